"""How a series leaves the server: as JSON, or packed little-endian in blocks that can be laid back to back."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from dashboard.metrics.answers import Answer
from dashboard.metrics.reading import Curve
from trainer.events import encode

# magic, version, flags, bytes of the name, of the block, run, stage (0: the whole run), attempt (0: all of them merged), numbers of
# points sent, not finite, stored, cursor
HEADER = struct.Struct("<4sBBHIIIIIIQQ")
MAGIC, VERSION = b"ANNL", 2
BUCKETS, HAS_X, NOT_FINITE = 1, 2, 4
ALIGNED = 8
LARGEST_U32 = 2**32 - 1


def numbers(values: np.ndarray) -> list[float | str]:
    found: list[float | str] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)).tolist():
        found[place] = encode(values[place])
    return found


def to_document(answer: Answer) -> dict[str, Any]:
    curve, piece = answer.curve, answer.ask.piece
    document: dict[str, Any] = {
        "run": answer.ask.run.pk,
        "metric": piece.metric,
        "stage": answer.ask.stage,
        "attempt": piece.attempt,
        "num_points": curve.num_points,
        "num_not_finite": curve.num_not_finite,
        "buckets": curve.buckets,
        "step": curve.step.tolist(),
        "value": numbers(curve.value),
        "cursor": answer.cursor,
    }
    if curve.buckets:
        document |= {"min": numbers(curve.minimum), "max": numbers(curve.maximum), "not_finite": curve.not_finite.tolist()}
    return document if answer.x is None else document | {"x": numbers(answer.x)}


def to_bytes(answers: Iterable[Answer]) -> bytes:
    return b"".join(block(answer) for answer in answers)


def block(answer: Answer) -> bytes:
    """A header of 48 bytes, the metric's name, then columns: value, min and max, x (f64), step and number not finite (u32).

    Buckets that are all finite, as nearly all are, go without the last column.
    """
    curve, name = answer.curve, answer.ask.piece.metric.encode()
    body = padded(name) + b"".join(padded(column.tobytes()) for column in columns(answer))
    flags = BUCKETS * curve.buckets | HAS_X * (answer.x is not None) | NOT_FINITE * is_spoilt(curve)
    keys = answer.ask.run.pk, answer.ask.stage or 0, answer.ask.piece.attempt or 0
    counts = len(curve.step), min(curve.num_not_finite, LARGEST_U32), curve.num_points
    return HEADER.pack(MAGIC, VERSION, flags, len(name), HEADER.size + len(body), *keys, *counts, answer.cursor) + body


def columns(answer: Answer) -> list[np.ndarray]:
    curve = answer.curve
    found = [curve.value, curve.minimum, curve.maximum] if curve.buckets else [curve.value]
    if answer.x is not None:
        found.append(answer.x)
    small = [curve.step, curve.not_finite] if is_spoilt(curve) else [curve.step]
    return [*(column.astype("<f8") for column in found), *(column.astype("<u4") for column in small)]


def is_spoilt(curve: Curve) -> bool:
    return curve.buckets and bool(curve.not_finite.any())


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNED)
