"""TensorBoard files hold what our own events hold; read back record by record, as TensorBoard does."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from tests.trainer import small
from trainer.train import train

Point = tuple[int, str, float]


def records(file: Path) -> Iterator[bytes]:
    """TFRecord: length (uint64), its checksum (4 bytes), the data, its checksum (4 bytes)."""
    data, place = file.read_bytes(), 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        yield data[place + 12 : place + 12 + length]
        place += 12 + length + 4


def points(folder: Path) -> set[Point]:
    events = [Event.FromString(record) for file in sorted(folder.iterdir()) for record in records(file)]
    return {(event.step, each.tag, round(each.simple_value, 5)) for event in events for each in event.summary.value}


def told(folder: Path) -> set[Point]:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    metrics = [(event["step"], event["metrics"]) for event in events if event["kind"] in ("stepped", "evaluated")]
    return {(step, name, struct.unpack("f", struct.pack("f", value))[0]) for step, each in metrics for name, value in each.items()}


@pytest.mark.parametrize("wanted", [True, False])
def test_every_point_is_mirrored_where_it_is_asked_for(wanted: bool, tmp_path: Path) -> None:
    datasets = small.write_pairs(tmp_path / "datasets")
    (tmp_path / "config.json").write_text(json.dumps(small.job(steps=4, validation_interval=2) | {"tensorboard": wanted}))
    assert train(tmp_path, [datasets], lambda: False) == 0
    folder = tmp_path / "tensorboard" / "stage-1"
    assert folder.exists() is wanted
    if wanted:
        assert points(folder) == {(step, name, round(value, 5)) for step, name, value in told(tmp_path)}
