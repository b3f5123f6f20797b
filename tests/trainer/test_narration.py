"""The lines that the trainer prints: every event that a person waits for, and of many steps only some."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from trainer import narration, recipes
from trainer.narration import Narrator

STEP = {"stage": 2, "step": 7, "metrics": {"train/loss": float("nan"), "train/learning_rate": 3e-4, "train/samples_per_second": 52.04}}


def test_of_many_steps_one_in_ten_seconds_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([100.0, 104.0, 109.9, 110.1, 111.0])
    monkeypatch.setattr(narration.time, "monotonic", lambda: next(clock))
    told = Narrator()
    for _ in range(5):
        told.tell("stepped", STEP)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO stage 2, step 7: loss nan, learning rate 0.0003, samples/s 52.04", lines[0])


def test_a_warning_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().tell("skipped", {"stage": 1, "step": 3, "message": "train/loss is nan", "sources": [], "last_good": None})
    assert capsys.readouterr().out.endswith(" WARNING stage 1, step 3: train/loss is nan\n")


@pytest.mark.parametrize(("encoding", "told"), [("utf-8", "né?"), ("ascii", "n??")])
def test_a_character_that_the_output_cannot_write_stops_no_training(monkeypatch: pytest.MonkeyPatch, encoding: str, told: str) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    Narrator().tell("warned", {"message": "n\u00e9\udcff"})
    output.seek(0)
    assert output.read().endswith(f" WARNING {told}\n")


def test_an_event_of_another_kind_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().tell("drawn", {"stage": 1, "step": 3, "sources": []})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("recording", sorted((ROOT / "tests" / "recordings").glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_event_of_a_stage_and_of_a_quantization_can_be_told(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for event in map(json.loads, recording.read_text().splitlines()):
        Narrator().tell(event["kind"], {name: value for name, value in event.items() if name not in ("seq", "at", "kind")})
    assert re.search(r" INFO (stage 2, step 30: done, the weights are in .*|done)\n$", capsys.readouterr().out)


def test_a_training_tells_what_it_does(tmp_path: Path) -> None:
    document = recipes.load()["sentiment-tiny"].config.model_dump(mode="json")
    document |= {
        "stages": [document["stages"][0] | {"steps": 40, "checkpoint_interval": 20, "validation_interval": 20}],
        "quantization": None,
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    done = subprocess.run([sys.executable, "-m", "trainer", "train", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    told = [line.partition(" INFO ")[2] for line in done.stdout.splitlines()]
    places = ["stage 1", "stage 1", "stage 1, step 1", *["stage 1, step 20"] * 2, *["stage 1, step 40"] * 4]
    assert [line.partition(": ")[0] for line in told] == places
    starts = ["loading", "trains", "loss", "validation", "saved", "validation", "saved", "test", "done,"]
    assert [line.partition(": ")[2].split()[0].strip(":") for line in told] == starts
