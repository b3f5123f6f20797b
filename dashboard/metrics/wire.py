"""How a series leaves the server: as JSON, or packed little-endian."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from dashboard.metrics.reading import Series
from trainer.events import encode

# magic, version, flags (1 = buckets), number of points stored, number of points sent, cursor
HEADER = struct.Struct("<4sBBxxIIQ")


def numbers(values: np.ndarray) -> list[float | str]:
    return [encode(value) for value in values.tolist()]


def to_document(series: Series) -> dict[str, Any]:
    document: dict[str, Any] = {
        "metric": series.metric,
        "stage": series.stage,
        "num_points": series.num_points,
        "buckets": series.buckets,
        "step": series.step.tolist(),
        "value": numbers(series.value),
        "cursor": series.cursor,
    }
    if series.buckets:
        document |= {"min": numbers(series.minimum), "max": numbers(series.maximum)}
    return document


def to_bytes(series: Series) -> bytes:
    """A 24-byte header, then the steps as u32 and the values as f64, for buckets followed by the minima and maxima as f64."""
    header = HEADER.pack(b"ANNL", 1, series.buckets, series.num_points, len(series.step), series.cursor)
    columns = [series.value, series.minimum, series.maximum] if series.buckets else [series.value]
    return b"".join([header, series.step.astype("<u4").tobytes(), *(column.astype("<f8").tobytes() for column in columns)])
