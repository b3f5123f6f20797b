"""Reads back the points that were written after a cursor, each under the transaction that wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dashboard.metrics.models import Chunk
from dashboard.metrics.packing import Bytes, unpack_cursors, unpack_points


@dataclass(frozen=True)
class Written:
    """Points of one metric that one transaction wrote."""

    cursor: int
    stage: int
    attempt: int
    metric: str
    steps: np.ndarray
    values: np.ndarray


def points_after(run_id: int, after: int, until: int) -> Iterator[Written]:
    """Yields what the transactions after+1 .. until wrote, the points of a series in order; compacted rows are taken apart."""
    rows = Chunk.objects.filter(run=run_id, level=0, cursor__gt=after, first_cursor__lte=until).order_by("series", "first_point")
    place = ("series__attempt__job__position", "series__attempt__number", "series__metric")
    for *row, stage, attempt, metric in rows.values_list("cursor", "cursors", "data", *place).iterator(chunk_size=500):
        for cursor, steps, values in parts(*row):
            if after < cursor <= until:
                yield Written(cursor, stage, attempt, metric, steps, values)


def parts(newest: int, packed: Bytes, data: Bytes) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The points of a row by the transactions that wrote them."""
    steps, values = unpack_points(data)
    cursors = unpack_cursors(newest, packed, len(steps))
    starts = np.flatnonzero(np.diff(cursors, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(steps)], strict=True):
        yield int(cursors[start]), steps[start:stop], values[start:stop]
