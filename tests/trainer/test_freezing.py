"""Freezing, by comparing every parameter and statistic before and after some steps of a stage."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.trainer import small
from trainer.config import StageJob
from trainer.loop import Training
from trainer.stage import prepare

TASKS = (small.task("sentiment"), small.task("masked_lm"), small.task("image_classification"), small.task("image_text_contrast"))
# What each group is, written out for two text blocks and two groups of image blocks.
PATTERNS = {
    "base": ("text.embeddings.*", "text.encoder.layer.0.*", "image.embedder.*", "image.encoder.stages.0.*"),
    "middle": ("text.encoder.layer.1.*", "image.encoder.stages.1.*"),
    "top": ("image_projection.*", "text_projection.*", "fusion.*", "heads.*"),
}
CHOICES = [
    ("top",),
    ("middle",),
    ("base",),
    ("middle", "top"),
    ("base", "top"),
    ("base", "middle"),
    ("base", "middle", "top"),
    ("image.*",),
    ("text.encoder.layer.1.*", "heads.sentiment.*"),
]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("datasets"))


def training(datasets: Path, chosen: tuple[str, ...]) -> Training:
    document = small.job(*TASKS, trainable=list(chosen), schedule={"peak_rate": 0.01})
    document["model"] = document["model"] | {"fusion": "gated"}
    torch.set_num_threads(1)
    return prepare(StageJob.model_validate(document), [datasets], 10)


def is_chosen(name: str, chosen: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for choice in chosen for pattern in PATTERNS.get(choice, (choice,)))


def state_of(made: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in made.network.state_dict().items()}


@pytest.mark.parametrize("chosen", CHOICES, ids="+".join)
def test_what_is_chosen_changes_and_all_else_keeps_its_bits(chosen: tuple[str, ...], datasets: Path) -> None:
    made = training(datasets, chosen)
    before = state_of(made)
    for _ in range(3):
        made.learner.set_training()
        made.train_step()
    changed = {name for name, tensor in state_of(made).items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if is_chosen(name, chosen)}


def test_the_groups_cover_the_network_once(datasets: Path) -> None:
    names = state_of(training(datasets, ("top",)))
    assert all(sum(is_chosen(name, (group,)) for group in PATTERNS) == 1 for name in names)
    assert any("running_mean" in name for name in names)


def test_a_frozen_parameter_has_neither_gradient_nor_place_in_the_optimizer(datasets: Path) -> None:
    made = training(datasets, ("top",))
    made.train_step()
    optimized = {id(each) for group in made.optimizer.param_groups for each in group["params"]}
    for name, parameter in made.network.named_parameters():
        assert (parameter.grad is not None) == (id(parameter) in optimized) == is_chosen(name, ("top",)), name
