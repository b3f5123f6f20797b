"""What a run would do is said before it starts, and said right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer import catalog, parameters, recipes
from trainer.__main__ import main
from trainer.catalog import Card
from trainer.config import Quantization, Run
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
    run = Run.model_validate(config)
    assert num_steps(run.stages[0], CARDS, run.model) == 32  # 2 x 1,551 rows of natural-pairs; emoji-groups has fewer


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
    from trainer.models.freezing import set_trainable
    from trainer.models.network import build
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


# --- language models ----------------------------------------------------------------------------------------------------


def card(name: str, *columns: str, train: int = 1000, mean_words: float | None = 20.0) -> Card:
    return Card(name=name, title=name, columns=columns, num_samples={"train": train, "validation": 100, "test": 100}, mean_words=mean_words)


WORDS = {
    each.name: each
    for each in (
        card("speeches", "text", train=6000, mean_words=60),
        card("glosses", "text"),
        card("triples", "head", "relation", "tail", mean_words=5),
        card("sums", "problem", "solution", mean_words=8),
        card("orders", "instruction", "input", "output"),
        card("pictures", "image", "label", mean_words=None),
        card("uncounted", "text", mean_words=None),
    )
}


def language_run(*tasks: dict[str, Any], family: str = "causal_lm", model: dict[str, Any] | None = None, **fields: Any) -> Run:
    stage = {"name": "Foundation", "tasks": tasks, "batch_size": 8, "steps": 100, **fields}
    document = {"model": {"family": family, "max_tokens": 64, **(model or {})}, "stages": [stage], "quantization": None}
    return Run.model_validate(document)


def reads(kind: str = "causal_lm", *sources: tuple[str, float], weight: float = 1) -> dict[str, Any]:
    chosen = sources or (("speeches", 100),)
    return {"kind": kind, "weight": weight, "sources": [{"dataset": name, "share": share} for name, share in chosen]}


def refusals(run: Run) -> dict[str, str]:
    return {".".join(map(str, problem.path)): problem.message for problem in check(run, WORDS) if problem.blocks}


HYBRID = (reads("causal_lm", ("glosses", 50)), reads("triples", ("triples", 30)), reads("equations", ("sums", 20)))


def test_the_tasks_of_a_language_model_divide_the_tokens_of_the_stage() -> None:
    stage = plan(language_run(*HYBRID), WORDS).stages[0]
    sources = [source for task in stage.tasks for source in task.sources]
    assert [source.share for source in sources] == [0.5, 0.3, 0.2]
    assert stage.num_tokens == 100 * 8 * 64 == 51_200
    assert not stage.is_estimate
    assert [source.num_tokens for source in sources] == [25_600, 15_360, 10_240]


def test_samples_and_epochs_of_a_language_model_are_estimated_from_words() -> None:
    (source,) = plan(language_run(reads("causal_lm", ("glosses", 100))), WORDS).stages[0].tasks[0].sources
    assert source.num_samples == round(51_200 / (20 * 1.5))  # 20 words of 1.5 tokens a sample
    assert source.epochs == pytest.approx(51_200 / (1000 * 20 * 1.5))


def test_an_epoch_of_a_language_model_is_one_pass_over_the_task_with_most_words() -> None:
    tasks = (reads("causal_lm", ("speeches", 80)), reads("triples", ("triples", 20)))
    planned = plan(language_run(*tasks, steps=None, epochs=2.0), WORDS).stages[0]
    assert planned.num_steps == 2637  # 2 x 6,000 x 60 x 1.5 tokens in steps of 80 % of 8 x 64: 2,636.7
    assert planned.tasks[0].sources[0].epochs == pytest.approx(2, rel=1e-3)
    assert planned.num_tokens == 2637 * 512
    assert planned.is_estimate


def test_epochs_of_data_without_a_count_of_words_are_refused() -> None:
    run = language_run(reads("causal_lm", ("uncounted", 100)), steps=None, epochs=1.0)
    assert refusals(run) == {"stages.0.epochs": "uncounted does not say how many words it has: give steps"}


@pytest.mark.parametrize(("kind", "dataset"), [("triples", "triples"), ("equations", "sums"), ("instructions", "orders")])
def test_a_language_task_takes_the_columns_it_is_for_and_no_others(kind: str, dataset: str) -> None:
    assert refusals(language_run(reads(kind, (dataset, 1)))) == {}
    assert f"which {kind} needs" in refusals(language_run(reads(kind, ("speeches", 1))))["stages.0.tasks.0.sources.0.dataset"]


@pytest.mark.parametrize("dataset", ["speeches", "triples", "sums", "orders"])
def test_a_causal_model_reads_whatever_can_be_rendered(dataset: str) -> None:
    assert refusals(language_run(reads("causal_lm", (dataset, 1)))) == {}


def test_a_causal_model_cannot_read_pictures() -> None:
    found = refusals(language_run(reads("causal_lm", ("pictures", 1))))
    assert found == {"stages.0.tasks.0.sources.0.dataset": "pictures has no text, which causal_lm needs"}


@pytest.mark.parametrize(("family", "kind"), [("causal_lm", "masked_lm"), ("masked_lm", "causal_lm"), ("moe_lm", "sentiment")])
def test_a_task_of_another_family_is_refused_with_what_the_family_offers(family: str, kind: str) -> None:
    message = refusals(language_run(reads(kind, ("speeches", 1)), family=family))["stages.0.tasks.0.kind"]
    assert message.startswith(f"a model of the family {family} has no task {kind}; it offers ")
    assert message.endswith({"masked_lm": "masked_lm"}.get(family, "causal_lm, triples, equations, instructions"))


@pytest.mark.parametrize(("family", "kind"), [("moe_lm", "causal_lm"), ("masked_lm", "masked_lm")])
def test_of_the_language_models_only_a_causal_one_is_quantized(family: str, kind: str) -> None:
    quantized = {"quantization": Quantization()}
    assert "quantization" not in refusals(language_run(reads()).model_copy(update=quantized))
    refused = refusals(language_run(reads(kind, ("speeches", 1)), family=family).model_copy(update=quantized))
    assert refused["quantization"] == f"a model of the family {family} is not quantized; leave it out"


@pytest.mark.parametrize("measure", ["entropy", "length", "rarity"])
def test_a_measure_of_what_the_data_lacks_is_refused(measure: str) -> None:
    config = document()
    config["stages"] = config["stages"][:1]
    config["quantization"] = None
    place = 0 if measure != "entropy" else 1
    config["stages"][0]["tasks"] = [config["stages"][0]["tasks"][place]]
    lacking = config["stages"][0]["tasks"][0]["kind"]
    assert lacking == ("masked_lm" if measure == "entropy" else "image_classification")
    config["stages"][0]["curriculum"] = {measure: 1}
    assert f"the data of {lacking} has no" in problems(config)["stages", 0, "curriculum", measure]


def test_length_and_rarity_measure_triples_equations_and_instructions() -> None:
    assert refusals(language_run(*HYBRID, reads("instructions", ("orders", 5)), curriculum={"length": 1, "rarity": 1, "loss": 1})) == {}
    assert "stages.0.curriculum.entropy" in refusals(language_run(*HYBRID, curriculum={"entropy": 1}))


def test_a_learned_weighting_of_a_single_task_is_refused() -> None:
    assert "no effect" in refusals(language_run(reads(), task_weighting="uncertainty"))["stages.0.task_weighting"]
    assert refusals(language_run(*HYBRID, task_weighting="uncertainty")) == {}


def test_parts_of_one_sample_cannot_be_compared_with_each_other() -> None:
    config = document()
    config["stages"][1]["tasks"][0] = {"kind": "image_text_contrast", "sources": [{"dataset": "natural-pairs"}]}
    config["stages"][1] |= {"batch_size": 8, "accumulation": 8}
    assert "at least 2" in problems(config)["stages", 1, "accumulation"]
    config["stages"][1]["accumulation"] = 4
    assert problems(config) == {}


def test_a_decay_longer_than_what_follows_the_warm_up_is_refused() -> None:
    config = document()
    schedule = {"shape": "warmup_stable_decay", "peak_rate": 1e-3, "final_rate": 0, "warmup_steps": 10, "decay_steps": 31}
    config["stages"][0]["schedule"] = schedule
    assert "30 steps" in problems(config)["stages", 0, "schedule", "decay_steps"]
    config["stages"][0]["schedule"] = schedule | {"decay_steps": 30}
    assert problems(config) == {}


@pytest.mark.parametrize(
    ("kind", "dataset", "trainable"),
    [
        ("image_classification", "emoji-groups", "text.*"),
        ("image_classification", "emoji-groups", "image_projection.*"),
        ("masked_lm", "natural-pairs", "image.*"),
    ],
)
def test_a_frozen_set_that_leaves_nothing_to_learn_is_refused(kind: str, dataset: str, trainable: str) -> None:
    config = document()
    config["stages"][0] |= {"tasks": [{"kind": kind, "sources": [{"dataset": dataset}]}], "trainable": [trainable]}
    assert "nothing would be learnt" in problems(config)["stages", 0, "trainable"]
    config["stages"][0]["trainable"] = [trainable, f"heads.{kind}.*"]
    assert problems(config) == {}


def test_a_classifier_of_texts_alone_learns_nothing_from_the_picture_side() -> None:
    config = document()
    config["stages"][2]["trainable"] = ["image.*"]
    assert problems(config) == {}
    config["model"]["inputs"] = "text"
    assert "nothing would be learnt" in problems(config)["stages", 2, "trainable"]


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    config = document()
    config["stages"][0]["trainable"] = ["top", "nothing.*"]
    assert problems(config) == {("stages", 0, "trainable"): "'nothing.*' matches no parameter of the model"}


def test_a_local_folder_that_is_not_there_is_named_at_its_field(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert refusals(language_run(reads(), model={"pretrained": gone})) == {"model.pretrained": f"there is no folder {gone}"}
    assert refusals(language_run(reads(), model={"tokenizer": gone})) == {"model.tokenizer": f"there is no folder {gone}"}
    config = document() | {"model": {"image": {"pretrained": gone}, "text": {"pretrained": str(tmp_path)}}}
    assert problems(config)["model", "image", "pretrained"] == f"there is no folder {gone}"
    assert problems(config)["model", "text", "pretrained"] == f"{tmp_path} has no config.json"


def test_more_tokens_than_the_loaded_model_has_positions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_positions": 48}))
    found = refusals(language_run(reads(), model={"pretrained": str(tmp_path)}))
    assert found["model.max_tokens"] == f"64 tokens are more than the 48 positions of {tmp_path}"
