"""A stage with a curriculum: easy samples first, and what is stopped goes on with the very same draws."""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from tests.trainer import small
from tests.trainer.attempts import Attempts, digest_of, events_of, new_folder
from trainer.events import DIFFICULTY

LAST = "stage-1-step-000010"
EASY_FIRST = {"length": 1, "rarity": 0.5, "loss": 0.5, "entropy": 0.3}


def config(**curriculum: Any) -> dict[str, Any]:
    tasks = (
        small.task("sentiment") | {"sources": [{"dataset": "pairs", "share": 70}, {"dataset": "others", "share": 30}]},
        small.task("image_text_matching", weight=0.7),
    )
    return small.job(*tasks, checkpoint_interval=3, batch_size=8, curriculum=EASY_FIRST | curriculum)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("datasets")
    small.write_pairs(root, "others", num_rows=23, seed=500)
    return small.write_pairs(root)


@pytest.fixture(scope="module")
def undisturbed(datasets: Path, attempts: Attempts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_folder(tmp_path_factory.mktemp("undisturbed") / "run", config())
    assert attempts.train(folder, datasets) == 0
    return folder


def difficulties(folder: Path) -> dict[int, float]:
    return {event["step"]: event["metrics"][DIFFICULTY] for event in events_of(folder, "stepped")}


@pytest.mark.parametrize(("number", "at"), [(SIGKILL, 5), (SIGTERM, 4)])
def test_a_stage_that_is_ended_goes_on_with_the_same_draws(
    number: int, at: int, datasets: Path, attempts: Attempts, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "run", config())
    assert attempts.train(folder, datasets, (number, "step", at)) != 0
    assert attempts.train(folder, datasets) == 0
    assert difficulties(folder) == difficulties(undisturbed)
    assert digest_of(folder, LAST) == digest_of(undisturbed, LAST)
    assert digest_of(folder, LAST, "state.json") == digest_of(undisturbed, LAST, "state.json")


def test_the_difficulty_of_every_batch_is_told_and_is_low_as_long_as_the_easy_are_preferred(
    datasets: Path, attempts: Attempts, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "run", config(flattening=1000))
    assert attempts.train(folder, datasets) == 0
    easy, any_of_them = difficulties(undisturbed), difficulties(folder)
    assert sorted(easy) == list(range(1, 11))
    assert sum(easy.values()) / 10 < -0.4 < sum(any_of_them.values()) / 10


def test_without_a_curriculum_there_is_no_difficulty(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "run", small.job(steps=2))
    assert attempts.train(folder, datasets) == 0
    assert not any(DIFFICULTY in event["metrics"] for event in events_of(folder, "stepped"))
