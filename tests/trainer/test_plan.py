"""What a run would do is said before it starts, and said right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer import catalog, parameters, recipes
from trainer.__main__ import main
from trainer.config import Run
from trainer.packaged import folder_of
from trainer.plan import check, num_steps, plan

CARDS = catalog.load()


def document(recipe: str = "sentiment-tiny") -> dict[str, Any]:
    return recipes.load()[recipe].config.model_dump(mode="json")


def problems(config: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    return {problem.path: problem.message for problem in check(Run.model_validate(config), CARDS) if problem.blocks}


@pytest.mark.parametrize("recipe", recipes.load())
def test_every_recipe_can_be_run(recipe: str) -> None:
    assert problems(document(recipe)) == {}


def test_an_epoch_is_one_pass_over_the_task_with_most_rows() -> None:
    config = document()
    config["stages"][0] |= {"steps": None, "epochs": 2.0, "batch_size": 100}
    assert num_steps(Run.model_validate(config).stages[0], CARDS) == 32  # 2 x 1,551 rows of natural-pairs; emoji-groups has fewer


def test_shares_are_scaled_to_one_and_counted_in_samples_and_epochs() -> None:
    config = document()
    config["stages"][2]["tasks"][0]["sources"] = [{"dataset": "composed-pairs", "share": 60}, {"dataset": "natural-pairs", "share": 20}]
    first, second = plan(Run.model_validate(config), CARDS).stages[2].tasks[0].sources
    assert (first.share, first.num_samples) == (0.75, 240)
    assert (second.share, second.num_samples) == (0.25, 80)
    assert second.epochs == pytest.approx(80 / 1551)


def test_an_unknown_data_set_is_named_at_its_field() -> None:
    config = document()
    config["stages"][1]["tasks"][0]["sources"][0]["dataset"] = "no-such"
    found = problems(config)
    assert "no-such" in found["stages", 1, "tasks", 0, "sources", 0, "dataset"]
    assert "composed-pairs" in found["stages", 1, "tasks", 0, "sources", 0, "dataset"]


def test_a_data_set_without_the_column_is_refused() -> None:
    config = document()
    config["stages"][2]["tasks"][0]["sources"][0]["dataset"] = "emoji-groups"
    assert problems(config)["stages", 2, "tasks", 0, "sources", 0, "dataset"] == "emoji-groups has no text, which sentiment needs"


def test_sources_of_one_task_must_agree_on_the_classes() -> None:
    config = document()
    config["stages"][0]["tasks"][0]["sources"].append({"dataset": "natural-pairs"})
    assert "same classes" in problems(config)["stages", 0, "tasks", 0, "sources"]


def test_a_warm_up_as_long_as_the_stage_is_refused() -> None:
    config = document()
    config["stages"][0]["schedule"]["warmup_steps"] = 40
    assert "40 steps" in problems(config)["stages", 0, "schedule", "warmup_steps"]


def test_a_data_set_without_training_rows_is_refused() -> None:
    emptied = {name: card.model_copy(update={"num_samples": {**card.num_samples, "train": 0}}) for name, card in CARDS.items()}
    found = check(Run.model_validate(document()), emptied)
    assert "the train split of emoji-groups is empty" in {problem.message for problem in found}


def test_a_share_too_small_for_one_sample_is_pointed_out_but_does_not_block() -> None:
    config = document()
    config["stages"][2]["tasks"][0]["sources"].append({"dataset": "natural-pairs", "share": 0.001})
    assert problems(config) == {}
    assert any("not one sample of natural-pairs" in problem.message for problem in check(Run.model_validate(config), CARDS))


def test_quantization_needs_sentiment_at_the_end() -> None:
    config = document()
    config["stages"] = config["stages"][:2]
    assert ("quantization",) in problems(config)
    assert problems(config | {"quantization": None}) == {}


def real_counts(run: Run, index: int) -> tuple[dict[str, int], set[str]]:
    """The parameters of the network that a stage would really train, by name, and those of them that train."""
    from trainer.models.network import build, set_trainable
    from trainer.tasks import OBJECTIVES

    stage = run.stages[index]
    network, _ = build(run.model)
    for task in stage.tasks:
        if task.kind == "masked_lm":
            network.add_head(task.kind, 0)
        elif OBJECTIVES[task.kind].has_classes:
            network.add_head(task.kind, len(CARDS[task.sources[0].dataset].classes))
    set_trainable(network, stage.trainable)
    named = dict(network.named_parameters())
    return {name: each.numel() for name, each in named.items()}, {name for name, each in named.items() if each.requires_grad}


SHAPES = {
    "basic": {"image": {"stem_width": 8, "widths": (8, 16), "depths": (2, 1)}, "text": {"width": 32, "num_layers": 3, "num_heads": 2}},
    "bottleneck": {
        "image": {"stem_width": 8, "widths": (16, 32, 64), "depths": (1, 2, 1), "block": "bottleneck"},
        "text": {"width": 16, "num_layers": 1, "num_heads": 2},
        "fusion": "concatenation",
        "fusion_width": 24,
    },
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("trainable", [("top",), ("middle", "top"), ("image.*", "heads.sentiment.*"), ("*.bias",)])
def test_planned_parameters_are_those_of_the_real_network(shape: str, trainable: tuple[str, ...]) -> None:
    config = document() | {"model": SHAPES[shape]}
    config["stages"][2]["trainable"] = trainable
    run = Run.model_validate(config)
    sizes, trained = real_counts(run, 2)
    counts = parameters.count(run.model, run.stages[2], CARDS)
    assert counts is not None
    assert counts.sizes == sizes
    trainable_counts = counts.trainable(trainable)
    assert trainable_counts is not None
    assert sum(trainable_counts.values()) == sum(sizes[name] for name in trained)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_heads_of_each_task_are_counted(index: int) -> None:
    run = Run.model_validate(document())
    counts = parameters.count(run.model, run.stages[index], CARDS)
    assert counts is not None
    assert counts.sizes == real_counts(run, index)[0]


def test_packaged_weights_are_counted_from_their_config() -> None:
    try:
        folder_of("minilm-l6")
    except ValueError as error:
        pytest.skip(str(error))
    run = Run.model_validate(document("sentiment-example"))
    counts = parameters.count(run.model, run.stages[2], CARDS)
    assert counts is not None
    assert counts.sizes == real_counts(run, 2)[0]


def test_weights_on_a_hub_leave_the_count_open() -> None:
    stages = plan(Run.model_validate(document("sentiment-resnet50")), CARDS).stages
    assert [stage.parameters for stage in stages] == [None, None, None]


def test_a_pattern_that_matches_nothing_leaves_the_trainable_count_open() -> None:
    config = document()
    config["stages"][0]["trainable"] = ["nothing.*"]
    stage = plan(Run.model_validate(config), CARDS).stages[0]
    assert stage.parameters is not None
    assert stage.trainable is None


def test_the_verb_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(document()))
    assert main(["plan", str(file)]) == 0
    assert "Refinement" in capsys.readouterr().out
    assert main(["plan", str(file), "--json"]) == 0
    assert [stage["num_steps"] for stage in json.loads(capsys.readouterr().out)["stages"]] == [40, 40, 40]


def test_the_verb_answers_2_when_the_run_cannot_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = document()
    config["stages"][0]["tasks"][0]["sources"][0]["dataset"] = "no-such"
    (tmp_path / "run.json").write_text(json.dumps(config))
    assert main(["plan", str(tmp_path / "run.json")]) == 2
    assert "stages.0.tasks.0.sources.0.dataset: there is no data set 'no-such'" in capsys.readouterr().out
