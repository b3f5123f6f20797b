"""Figures over a split: against a count by hand, and the same however often they are asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import small
from tests.trainer.conftest import Make
from trainer.evaluate import f1_by_class, macro_f1
from trainer.testing import evaluate_folder
from trainer.train import train


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predictions = np.array([0, 0, 1, 1, 2, 2])
    # class 0: precision 2/2, recall 2/3; class 1: 1/2 and 1/2; class 2: 1/2 and 1/1
    assert f1_by_class(predictions, labels, 3) == pytest.approx([4 / 5, 1 / 2, 2 / 3])
    assert macro_f1(predictions, labels, 3) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)


def test_a_class_that_nobody_names_counts_nothing() -> None:
    assert f1_by_class(np.array([0, 0]), np.array([0, 0]), 2) == [1.0, 0.0]


def test_a_folder_gives_the_figures_that_its_training_ended_with(trained: Make) -> None:
    folder = trained("image_and_text")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    told = events[-1]["results"]
    found = evaluate_folder(folder, "test", [])
    assert {name: found[name] for name in ("test/loss", "test/accuracy", "test/macro_f1")} == pytest.approx(
        {name: told[name] for name in ("test/loss", "test/accuracy", "test/macro_f1")}, rel=1e-5
    )


def test_several_tasks_are_told_apart_and_summed_by_their_weights(tmp_path: Path) -> None:
    datasets = small.write_pairs(tmp_path / "datasets")
    tasks = (small.task("sentiment", weight=2), small.task("masked_lm", weight=0.5))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(small.job(*tasks, steps=2, validation_interval=2)))
    assert train(folder, [datasets], lambda: False) == 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    told = next(event["metrics"] for event in events if event["kind"] == "evaluated" and event["split"] == "validation")
    assert told["validation/loss"] == pytest.approx(2 * told["validation/sentiment/loss"] + 0.5 * told["validation/masked_lm/loss"])
