"""The binary form of an update: a fixed header, what changed as JSON, and the numbers of its points as they lie in memory.

    "ANNF" | version u8 | 0 u8 | 0 u16 | frame_bytes u32 | header_bytes u32 | cursor u64 | at f64
    JSON, header_bytes long, with `count` in the place of the numbers of each item of `points`; spaces up to a multiple of 8
    for each item of `points`: values f64 * count, steps u32 * count, zeros up to a multiple of 8

All is little-endian and every part begins at a multiple of 8, so that a page reads the numbers where they lie. Frames may be put one
behind the other.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from dashboard.live.messages import Points, Update

HEADER = struct.Struct("<4sBBHIIQd")
MAGIC, VERSION = b"ANNF", 1
VALUES, STEPS = np.dtype("<f8"), np.dtype("<u4")


def padded(num_bytes: int) -> int:
    return -(-num_bytes // 8) * 8


def encode(update: Update) -> bytes:
    items = [{"stage": each.stage, "attempt": each.attempt, "metric": each.metric, "count": len(each.steps)} for each in update.points]
    document = to_json({**update.body(), **({"points": items} if items else {})})
    columns = b"".join(column for each in update.points for column in columns_of(each))
    size = HEADER.size + padded(len(document)) + len(columns)
    header = HEADER.pack(MAGIC, VERSION, 0, 0, size, len(document), update.cursor, update.at)
    return b"".join((header, document.ljust(padded(len(document))), columns))


def to_json(body: dict[str, Any]) -> bytes:
    """An event may carry an integer that orjson refuses."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


def columns_of(points: Points) -> tuple[bytes, bytes]:
    steps = np.ascontiguousarray(points.steps, STEPS).tobytes()
    return np.ascontiguousarray(points.values, VALUES).tobytes(), steps.ljust(padded(len(steps)), b"\0")


def decode(data: bytes, run_id: int = 0) -> list[Update]:
    """Returns the updates of frames that stand one behind the other. Raises ValueError for anything else."""
    return [decode_one(frame, run_id) for frame in split(data)]


def split(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        size = head(data[start : start + HEADER.size])[0]
        if start + size > len(data):
            raise ValueError(f"a frame of {size} bytes is cut off after {len(data) - start}")
        yield data[start : start + size]
        start += size


def head(data: bytes) -> tuple[int, int, int, float]:
    """Returns frame_bytes, header_bytes, cursor and at."""
    if len(data) < HEADER.size:
        raise ValueError("a frame has a header of 32 bytes")
    magic, version, _, _, size, num_bytes, cursor, at = HEADER.unpack_from(data)
    if (magic, version) != (MAGIC, VERSION) or size < HEADER.size + padded(num_bytes) or size % 8:
        raise ValueError(f"this is no frame of version {VERSION}")
    return size, num_bytes, cursor, at


def decode_one(frame: bytes, run_id: int) -> Update:
    _, num_bytes, cursor, at = head(frame)
    body: dict[str, Any] = orjson.loads(frame[HEADER.size : HEADER.size + num_bytes])
    points = read_points(frame, HEADER.size + padded(num_bytes), body.pop("points", []))
    return Update(run_id, cursor, at, points=points, **body)


def read_points(frame: bytes, start: int, items: list[dict[str, Any]]) -> list[Points]:
    points = []
    for item in items:
        count = item.pop("count")
        values = np.frombuffer(frame, VALUES, count, start)
        steps = np.frombuffer(frame, STEPS, count, start + values.nbytes)
        points.append(Points(**item, steps=steps, values=values))
        start += values.nbytes + padded(steps.nbytes)
    return points


def num_points(frame: bytes) -> int:
    _, num_bytes, _, _ = head(frame)
    return sum(item["count"] for item in orjson.loads(frame[HEADER.size : HEADER.size + num_bytes]).get("points", ()))
