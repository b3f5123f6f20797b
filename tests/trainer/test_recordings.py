"""The recorded events that other tests replay have the fields that today's trainer writes."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from tests.trainer.conftest import Make
from trainer.events import FILE_NAME

RECORDINGS = sorted((Path(__file__).parent.parent / "recordings").glob("*.jsonl"))


def fields_by_kind(path: Path) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in path.read_text().splitlines():
        event = json.loads(line)
        found[event["kind"]] |= event.keys()
    return dict(found)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_has_the_fields_of_a_fresh_run(path: Path, trained: Make, quantized: Make) -> None:
    fresh = fields_by_kind((quantized if path.stem == "quantization" else trained)("image_and_text") / FILE_NAME)
    recorded = fields_by_kind(path)
    assert len(recorded) >= 4
    assert {kind: fields for kind, fields in recorded.items() if kind in fresh} == {kind: fresh[kind] for kind in recorded if kind in fresh}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_is_numbered_without_a_gap(path: Path) -> None:
    numbers = [json.loads(line)["seq"] for line in path.read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
