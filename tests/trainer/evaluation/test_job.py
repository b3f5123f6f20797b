"""An evaluation as a worker hands it over: `config.json` in, events, figures and samples out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.conftest import Make
from trainer.checkpoint import newest
from trainer.evaluation import stored
from trainer.testing import evaluate_folder


def hand_over(folder: Path, checkpoint: Path, **more: object) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"checkpoint": str(checkpoint), "split": "test", **more}))
    return folder


def evaluate(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "trainer", "evaluate", str(folder)], text=True, capture_output=True, check=False)


def events(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_a_job_leaves_the_figures_that_the_verb_prints_and_says_how_far_it_came(trained: Make, tmp_path: Path) -> None:
    checkpoint = newest(trained("image_and_text"))
    folder = hand_over(tmp_path / "job", checkpoint)
    ended = evaluate(folder)
    assert ended.returncode == 0, ended.stderr
    told = events(folder)
    assert [event["kind"] for event in told if event["kind"] != "progressed"] == ["preparing", "scored", "finished"]
    last = [event for event in told if event["kind"] == "progressed"][-1]
    assert last["done"] == last["total"] > 0
    figures = json.loads((folder / "evaluation.json").read_text())
    assert figures["test/accuracy"] == evaluate_folder(checkpoint.parent.parent, "test", [])["test/accuracy"]
    assert len(stored.read(folder / "predictions.parquet")[0]["loss"]) == last["total"]


@pytest.mark.parametrize(
    ("more", "words"),
    [({"dataset": "nowhere"}, "nowhere"), ({"split": "holdout"}, "split"), ({"resamples": 3}, "resamples")],
)
def test_what_it_cannot_be_asked_is_refused_by_name(trained: Make, tmp_path: Path, more: dict, words: str) -> None:
    ended = evaluate(hand_over(tmp_path / "job", newest(trained("text")), **more))
    assert ended.returncode == 2
    assert words in ended.stderr


def test_an_altered_checkpoint_is_refused_by_the_name_of_its_file(trained: Make, tmp_path: Path) -> None:
    checkpoint = newest(trained("text"))
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        ended = evaluate(hand_over(tmp_path / "job", checkpoint))
    finally:
        weights.write_bytes(whole)
    assert ended.returncode == 2
    assert "model.safetensors is not what was saved" in ended.stderr
