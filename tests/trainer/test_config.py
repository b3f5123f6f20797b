"""What a config refuses, and that it names the field."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.trainer import small
from trainer import config, recipes
from trainer.failures import complaints
from trainer.problems import NEEDS

Place = tuple[str | int, ...]
RUN: dict[str, Any] = {"model": small.MODEL, "stages": [small.stage(small.task(), small.task("masked_lm"), steps=10)]}
STAGE: Place = ("stages", 0)
SCHEDULE: Place = (*STAGE, "schedule")
TASK: Place = (*STAGE, "tasks", 0)


def changed(place: Place, value: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(RUN))
    inner = document
    for key in place[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
    inner[place[-1]] = value
    return dict(document)


REFUSALS: dict[str, tuple[Place, Any, str]] = {
    "no stage": (("stages",), [], "stages: "),
    "13 stages": (("stages",), RUN["stages"] * 13, "stages: "),
    "an unknown key": ((*STAGE, "sede"), 1, "stages.0.sede: Extra inputs are not permitted"),
    "an unknown part of the model": (("model", "audio"), {}, "model.audio: "),
    "too large a picture": (("model", "image", "image_size"), 513, "model.image.image_size: "),
    "too small a picture": (("model", "image", "image_size"), 15, "model.image.image_size: "),
    "more widths than depths": (("model", "image", "widths"), [4, 8, 16], "model.image: widths and depths"),
    "heads that do not divide the width": (("model", "text", "num_heads"), 3, "model.text: width must be a multiple of num_heads"),
    "too few tokens": (("model", "text", "max_tokens"), 7, "model.text.max_tokens: "),
    "an unknown fusion": (("model", "fusion"), "product", "model.fusion: "),
    "unknown inputs": (("model", "inputs"), "sound", "model.inputs: "),
    "a stage without a name": ((*STAGE, "name"), "", "stages.0.name: "),
    "no task": ((*STAGE, "tasks"), [], "stages.0.tasks: "),
    "an unknown task": ((*TASK, "kind"), "translation", "stages.0.tasks.0: "),
    "the same task twice": ((*STAGE, "tasks"), [small.task(), small.task()], "stages.0: a task appears twice"),
    "weights that sum to 0": ((*STAGE, "tasks"), [small.task(weight=0)], "stages.0: the task weights sum to 0"),
    "a negative weight": ((*TASK, "weight"), -1, "stages.0.tasks.0.weight: "),
    "no data": ((*TASK, "sources"), [], "stages.0.tasks.0.sources: "),
    "shares that sum to 0": ((*TASK, "sources"), [{"dataset": "pairs", "share": 0}], "stages.0.tasks.0: the shares sum to 0"),
    "a negative share": ((*TASK, "sources"), [{"dataset": "pairs", "share": -1}], "stages.0.tasks.0.sources.0.share: "),
    "a share that is no number": ((*TASK, "sources"), [{"dataset": "pairs", "share": "nan"}], "stages.0.tasks.0.sources.0.share: "),
    "a data set twice": ((*TASK, "sources"), [{"dataset": "pairs"}] * 2, "stages.0.tasks.0: a data set appears twice"),
    "a path for a data set": ((*TASK, "sources"), [{"dataset": "../pairs"}], "stages.0.tasks.0.sources.0.dataset: "),
    "a mask rate of 1": ((*STAGE, "tasks", 1, "mask_rate"), 1, "stages.0.tasks.1.mask_rate: "),
    "an empty batch": ((*STAGE, "batch_size"), 0, "stages.0.batch_size: "),
    "steps and epochs": ((*STAGE, "epochs"), 2, "stages.0: give steps or epochs"),
    "neither steps nor epochs": ((*STAGE, "steps"), None, "stages.0: give steps or epochs"),
    "no steps": ((*STAGE, "steps"), 0, "stages.0.steps: "),
    "half a step": ((*STAGE, "steps"), 1.5, "stages.0.steps: "),
    "nothing to train": ((*STAGE, "trainable"), [], "stages.0.trainable: "),
    "an unknown number format": ((*STAGE, "precision"), "int8", "stages.0.precision: "),
    "a negative seed": ((*STAGE, "seed"), -1, "stages.0.seed: "),
    "no checkpoint ever": ((*STAGE, "checkpoint_interval"), 0, "stages.0.checkpoint_interval: "),
    "no validation ever": ((*STAGE, "validation_interval"), 0, "stages.0.validation_interval: "),
    "an unknown shape": ((*SCHEDULE, "shape"), "linear", "stages.0.schedule.shape: "),
    "a rate of 0": ((*SCHEDULE, "peak_rate"), 0, "stages.0.schedule.peak_rate: "),
    "an infinite rate": ((*SCHEDULE, "peak_rate"), float("inf"), "stages.0.schedule.peak_rate: "),
    "a field of another shape": ((*SCHEDULE, "decay_factor"), 0.5, "stages.0.schedule: decay_factor has no effect with the constant shape"),
    "a field the shape needs": ((*SCHEDULE, "shape"), "cosine", "stages.0.schedule: the cosine shape needs final_rate"),
    "a floor above the peak": (
        SCHEDULE,
        {"shape": "cosine", "peak_rate": 0.001, "final_rate": 0.01},
        "stages.0.schedule: final_rate 0.01 is above peak_rate 0.001",
    ),
    "too much dropout": ((*STAGE, "regularisation", "dropout"), 0.95, "stages.0.regularisation.dropout: "),
    "a clip norm of 0": ((*STAGE, "regularisation", "clip_norm"), 0, "stages.0.regularisation.clip_norm: "),
    "label smoothing of 1": ((*STAGE, "regularisation", "label_smoothing"), 1, "stages.0.regularisation.label_smoothing: "),
    "a decay at the end without its length": (
        SCHEDULE,
        {"shape": "warmup_stable_decay", "peak_rate": 0.001, "final_rate": 0},
        "stages.0.schedule: the warmup_stable_decay shape needs decay_steps",
    ),
    "a curriculum that measures nothing": (
        (*STAGE, "curriculum"),
        {},
        "stages.0.curriculum: give length, rarity, loss or entropy a weight",
    ),
    "more parts than samples": ((*STAGE, "accumulation"), 5, "stages.0: accumulation must not be greater than batch_size"),
    "an unknown weighting": ((*STAGE, "task_weighting"), "gradients", "stages.0.task_weighting: "),
    "a report every 0 steps": ((*STAGE, "report_interval"), 0, "stages.0.report_interval: "),
    "an unknown rule for a NaN": ((*STAGE, "not_a_number"), "ignore", "stages.0.not_a_number: "),
    "an unknown family": (("model",), {"family": "diffusion"}, "model: "),
    "heads that do not divide a language model": (
        ("model",),
        {"family": "causal_lm", "width": 256, "num_heads": 3},
        "model: width must be a multiple of num_heads",
    ),
    "a vocabulary smaller than its bytes": (("model",), {"family": "masked_lm", "vocabulary_size": 299}, "model.vocabulary_size: "),
    "experts for a dense model": (("model",), {"family": "causal_lm", "num_experts": 4}, "model.num_experts: Extra inputs"),
    "all experts for each token": (
        ("model",),
        {"family": "moe_lm", "num_experts": 4, "experts_per_token": 4},
        "model: experts_per_token must be less than num_experts",
    ),
    "a template without a place for the head": (
        TASK,
        {"kind": "triples", "sources": [{"dataset": "facts"}], "template": "{relation}:"},
        "stages.0.tasks.0: template must contain {head} and {relation}",
    ),
    "a temperature of 0": (
        TASK,
        {"kind": "image_text_contrast", "sources": [{"dataset": "pairs"}], "temperature": 0},
        "stages.0.tasks.0.temperature: ",
    ),
    "negative threads": (("num_threads",), -1, "num_threads: "),
    "too few calibration samples": (("quantization",), {"calibration_samples": 7}, "quantization.calibration_samples: "),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_config_is_refused_with_the_place_of_what_is_wrong(name: str) -> None:
    place, value, expected = REFUSALS[name]
    with pytest.raises(ValidationError) as caught:
        config.parse(changed(place, value))
    lines = complaints(caught.value)
    assert any(line.startswith(expected) for line in lines), lines


def test_all_that_is_wrong_is_said_at_once() -> None:
    document = changed((*STAGE, "batch_size"), 0) | {"num_threads": -1}
    with pytest.raises(ValidationError) as caught:
        config.parse(document)
    assert len(complaints(caught.value)) == 2


def test_a_config_cannot_be_changed() -> None:
    run = config.Run.model_validate(RUN)
    with pytest.raises(ValidationError, match="frozen"):
        run.num_threads = 4  # type: ignore[misc]


@pytest.mark.parametrize("name", recipes.ORDER)
def test_a_recipe_is_the_same_after_a_round_through_json(name: str) -> None:
    run = recipes.load()[name].config
    assert config.parse(json.loads(run.model_dump_json())) == run


def test_the_ablations_differ_from_the_example_in_their_inputs_alone() -> None:
    example = recipes.load()["sentiment-example"].config.model_dump()
    for name, inputs in (("sentiment-image-only", "image"), ("sentiment-text-only", "text")):
        expected = copy.deepcopy(example)
        expected["model"]["inputs"] = inputs
        assert recipes.load()[name].config.model_dump() == expected


def test_a_document_is_told_by_what_it_has() -> None:
    job = small.job()
    assert isinstance(config.parse(RUN), config.Run)
    assert isinstance(config.parse(job), config.StageJob)
    quantization = {"model": {}, "quantization": {}, "task": small.task(), "checkpoint": "stage-1-step-000010"}
    assert isinstance(config.parse(quantization), config.QuantizationJob)


def test_a_document_without_a_family_is_of_image_and_text() -> None:
    assert isinstance(config.parse(RUN).model, config.ImageTextModel)
    assert isinstance(config.parse(changed(("model",), {"family": "moe_lm"})).model, config.MixtureOfExpertsModel)


def test_every_task_is_offered_by_a_family_and_says_what_data_it_needs() -> None:
    assert {kind for offered in config.TASKS_OF.values() for kind in offered} == set(config.TASKS) == set(NEEDS)
    assert set(config.TASKS_OF) == set(config.FAMILIES)


# --- the article's table --------------------------------------------------------------------------------------------------


def test_the_articles_recipe_is_its_table() -> None:
    """Article, section A: each row of the table, stage by stage."""
    stages = recipes.load()["language-article"].config.stages
    assert [stage.name for stage in stages] == ["Foundation", "Enhancement", "Refinement"]
    assert [stage.batch_size for stage in stages] == [4096, 2048, 1024]
    assert [stage.schedule.peak_rate for stage in stages] == [3e-4, 1e-4, 5e-5]
    assert [stage.schedule.shape for stage in stages] == ["constant", "cosine", "step"]
    assert [stage.schedule.final_rate for stage in stages] == [None, 5e-5, 1e-5]
    assert stages[0].schedule.warmup_steps > 0
    values = [stage.regularisation for stage in stages]
    assert [each.dropout for each in values] == [0.1, 0.3, 0.5]
    assert [each.weight_decay for each in values] == [0.01, 0.05, 0.1]
    assert [each.clip_norm for each in values] == [1.0, 2.0, 5.0]
    assert [each.label_smoothing for each in values] == [0.05, 0.1, 0.2]
    assert [stage.trainable for stage in stages] == [("top",), ("middle", "top"), ("base", "middle", "top")]


@pytest.mark.parametrize("name", ["language-small", "language-experts", "language-tiny", "language-article"])
def test_language_recipes_mix_in_the_articles_shares(name: str) -> None:
    stages = recipes.load()[name].config.stages
    mixed = [[(task.kind, task.weight, source.share) for task in stage.tasks for source in task.sources] for stage in stages]
    assert mixed == [
        [("causal_lm", 1, 80), ("causal_lm", 1, 20)],
        [("causal_lm", 0.6, 50), ("triples", 0.3, 30), ("equations", 0.1, 20)],
        [("instructions", 1, 30), ("instructions", 1, 70)],
    ]


def test_the_small_recipes_rates_are_the_articles_times_ten() -> None:
    small_stages, article = (recipes.load()[name].config.stages for name in ("language-small", "language-article"))
    for ours, theirs in zip(small_stages, article, strict=True):
        assert ours.schedule.peak_rate == pytest.approx(10 * theirs.schedule.peak_rate)
        assert (ours.schedule.final_rate or 0) == pytest.approx(10 * (theirs.schedule.final_rate or 0))
        assert ours.regularisation == theirs.regularisation


def test_the_recipe_of_experts_differs_from_the_dense_one_in_its_model_alone() -> None:
    dense, experts = (recipes.load()[name].config for name in ("language-small", "language-experts"))
    assert experts.stages == dense.stages
    assert experts.model.family == "moe_lm"
