"""Packs the points of a chunk into bytes and back: steps as little-endian u32, values as little-endian f64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dashboard.live.messages import Points
from trainer.events import encode

if TYPE_CHECKING:
    from dashboard.metrics.models import Chunk

STEPS = np.dtype("<u4")
VALUES = np.dtype("<f8")


def pack(steps: Sequence[int], values: Sequence[float]) -> tuple[bytes, bytes]:
    return np.asarray(steps, STEPS).tobytes(), np.asarray(values, VALUES).tobytes()


def unpack(steps: bytes | memoryview, values: bytes | memoryview) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(steps, STEPS), np.frombuffer(values, VALUES)


def to_points(chunk: Chunk, stage: int) -> Points:
    steps, values = unpack(chunk.steps, chunk.values)
    return {
        "stage": stage,
        "attempt": chunk.attempt.number,
        "metric": chunk.metric,
        "step": steps.tolist(),
        "value": [encode(value) for value in values.tolist()],
    }
