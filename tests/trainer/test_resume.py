"""A training that is ended at any moment and started again ends with the very bytes of one that was left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from tests.trainer import small
from tests.trainer.attempts import ENVIRONMENT, ROOT, Attempts, Death, digest_of, events_of, new_folder
from trainer.events import FILE_NAME

LAST = "stage-1-step-000010"
STOPPED = 3


def config(**fields: Any) -> dict[str, Any]:
    """All tasks, two data sets of which one is passed more than once, dropout, decay: whatever a resume could lose is there."""
    tasks = (
        small.task("sentiment") | {"sources": [{"dataset": "pairs", "share": 70}, {"dataset": "others", "share": 30}]},
        small.task("image_classification", weight=0.5),
        small.task("masked_lm", "others", weight=0.3, mask_rate=0.3),
        small.task("image_text_matching", weight=0.7),
    )
    return small.job(
        *tasks,
        checkpoint_interval=3,
        regularisation={"dropout": 0.3, "label_smoothing": 0.1, "weight_decay": 0.1},
        schedule={"shape": "cosine", "peak_rate": 0.01, "final_rate": 0.001, "warmup_steps": 2},
        **fields,
    )


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("datasets")
    small.write_pairs(root, "others", num_rows=23, seed=500)
    return small.write_pairs(root)


@pytest.fixture(scope="module")
def undisturbed(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained by a process of its own, as a person starts it."""
    folder = new_folder(tmp_path_factory.mktemp("undisturbed") / "run", config())
    command = [sys.executable, "-m", "trainer", "train", str(folder), "--datasets", str(datasets)]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True)
    return folder


def final_metrics(folder: Path) -> dict[int, dict[str, float]]:
    """What was last said of each step, without what depends on the clock."""
    timed = ("train/samples_per_second", "system/")
    steps = {event["step"]: event["metrics"] for event in events_of(folder, "stepped")}
    return {step: {name: value for name, value in metrics.items() if not name.startswith(timed)} for step, metrics in steps.items()}


def check_the_same(folder: Path, undisturbed: Path) -> None:
    for file in ("model.safetensors", "optimizer.safetensors", "random.safetensors"):
        assert digest_of(folder, LAST, file) == digest_of(undisturbed, LAST, file), file
    (finished,), (expected,) = events_of(folder, "finished"), events_of(undisturbed, "finished")
    assert finished["results"] == expected["results"]
    assert final_metrics(folder) == final_metrics(undisturbed)


def check_steps_go_on(folder: Path) -> None:
    """Each start says where it goes on, and the next step is that one; events are numbered without a gap."""
    events = events_of(folder)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    expected = None
    for event in events:
        if event["kind"] == "started":
            expected = event["first_step"]
            assert expected == (event["resumed_from"] or 0) + 1
        elif event["kind"] == "stepped":
            assert event["step"] == expected
            expected += 1


DEATHS: dict[str, list[Death]] = {
    "before the first checkpoint": [(SIGKILL, "step", 2)],
    "amid an epoch": [(SIGKILL, "step", 5)],
    "on the step of a checkpoint": [(SIGKILL, "step", 6)],
    "again and again": [(SIGKILL, "step", at) for at in (1, 4, 4, 5, 7, 8, 9, 10)],
    "while it writes a checkpoint": [(SIGKILL, "save", 3), (SIGKILL, "save", 6), (SIGKILL, "save", 10)],
    "amid the last test": [(SIGKILL, "test", 0)],
    "asked to stop": [(SIGTERM, "step", 1), (SIGTERM, "step", 5), (SIGTERM, "step", 6), (SIGTERM, "step", 9)],
    "asked to stop, then killed": [(SIGTERM, "step", 4), (SIGKILL, "step", 5), (SIGTERM, "step", 8), (SIGKILL, "step", 9)],
}


@pytest.mark.parametrize("deaths", DEATHS.values(), ids=DEATHS)
def test_a_run_that_died_ends_as_an_undisturbed_one(
    deaths: list[Death], attempts: Attempts, datasets: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "run", config())
    for death in deaths:
        assert attempts.train(folder, datasets, death) == (STOPPED if death[0] == SIGTERM else -SIGKILL)
    assert attempts.train(folder, datasets) == 0
    check_steps_go_on(folder)
    check_the_same(folder, undisturbed)
    assert not list((folder / "checkpoints").glob(".*"))


def test_a_stop_saves_the_step_it_is_at(attempts: Attempts, datasets: Path, tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "run", config())
    assert attempts.train(folder, datasets, (SIGTERM, "step", 5)) == STOPPED
    last = events_of(folder)[-1]
    assert (last["kind"], last["step"], last["checkpoint"]) == ("stopped", 5, "checkpoints/stage-1-step-000005")
    attempts.train(folder, datasets)
    assert [event["resumed_from"] for event in events_of(folder, "started")] == [None, 5]


def test_a_stop_in_the_last_step_comes_too_late(attempts: Attempts, datasets: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "run", config())
    assert attempts.train(folder, datasets, (SIGTERM, "step", 10)) == 0
    check_the_same(folder, undisturbed)


@pytest.fixture
def died(attempts: Attempts, datasets: Path, tmp_path: Path) -> Path:
    """Has the checkpoints of the steps 3 and 6."""
    folder = new_folder(tmp_path / "died", config())
    assert attempts.train(folder, datasets, (SIGKILL, "step", 7)) == -SIGKILL
    return folder


def test_another_attempt_goes_on_from_the_named_checkpoint(
    died: Path, attempts: Attempts, datasets: Path, undisturbed: Path, tmp_path: Path
) -> None:
    resume = died / "checkpoints" / "stage-1-step-000006"
    folder = new_folder(tmp_path / "later", config() | {"resume": str(resume)})
    assert attempts.train(folder, datasets, (SIGKILL, "step", 8)) == -SIGKILL
    assert attempts.train(folder, datasets, (SIGTERM, "step", 9)) == STOPPED
    assert attempts.train(folder, datasets) == 0
    assert [event["resumed_from"] for event in events_of(folder, "started")] == [6, 6, 9]
    assert digest_of(folder, LAST) == digest_of(undisturbed, LAST)


def test_a_named_checkpoint_that_was_changed_gives_way_to_the_one_before(
    died: Path, attempts: Attempts, datasets: Path, undisturbed: Path, tmp_path: Path
) -> None:
    resume = died / "checkpoints" / "stage-1-step-000006"
    weights = resume / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    folder = new_folder(tmp_path / "later", config() | {"resume": str(resume)})
    assert attempts.train(folder, datasets) == 0
    (warned,), (started,) = events_of(folder, "warned"), events_of(folder, "started")
    assert "stage-1-step-000006: model.safetensors" in warned["message"]
    assert started["resumed_from"] == 3
    assert digest_of(folder, LAST) == digest_of(undisturbed, LAST)


def test_a_torn_last_line_is_cut_off(died: Path, attempts: Attempts, datasets: Path) -> None:
    whole = events_of(died)
    with (died / FILE_NAME).open("ab") as file:
        file.write(b'{"seq":' + str(len(whole) + 1).encode() + b',"at":17')
    assert attempts.train(died, datasets) == 0
    assert events_of(died)[: len(whole)] == whole
    check_steps_go_on(died)


def test_of_a_run_only_the_stage_that_died_is_made_again(attempts: Attempts, datasets: Path, tmp_path: Path) -> None:
    first = small.stage(small.task("image_text_matching"), name="Enhancement", steps=4)
    whole_run = {"model": small.MODEL, "stages": [first, config()["stage"]], "num_threads": 1, "quantization": None}
    calm, disturbed = new_folder(tmp_path / "calm", whole_run), new_folder(tmp_path / "disturbed", whole_run)
    assert attempts.train(calm, datasets) == 0
    for death in ((SIGKILL, "step", 5), (SIGKILL, "test", 0)):
        assert attempts.train(disturbed, datasets, death) == -SIGKILL
    assert attempts.train(disturbed, datasets) == 0
    assert [event["stage"] for event in events_of(disturbed, "started")] == [1, 2, 2, 2]
    assert [event["stage"] for event in events_of(disturbed, "finished")] == [1, 2]
    assert digest_of(disturbed, "stage-2-step-000010") == digest_of(calm, "stage-2-step-000010")


def test_a_finished_run_is_not_made_again(attempts: Attempts, datasets: Path, tmp_path: Path) -> None:
    whole_run = {"model": small.MODEL, "stages": [small.stage(steps=2)], "num_threads": 1}
    folder = new_folder(tmp_path / "run", whole_run)
    assert attempts.train(folder, datasets) == 0
    before = events_of(folder)
    assert attempts.train(folder, datasets) == 0
    assert events_of(folder) == before
