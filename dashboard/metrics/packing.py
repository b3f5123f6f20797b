"""Packs points, the entries of the pyramid and the cursors of a row into bytes and back, all little-endian."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POINT = np.dtype([("step", "<u4"), ("value", "<f8")])
# Of so many points as the level says: mean, minimum and maximum of the finite ones, NaN where there is none.
ENTRY = np.dtype([("last_step", "<u4"), ("num_not_finite", "<u4"), ("mean", "<f8"), ("minimum", "<f8"), ("maximum", "<f8")])
# So many points in a row were written by the transaction that lies so far behind the row's newest one.
RUN = np.dtype([("behind", "<u4"), ("count", "<u4")])

Bytes = bytes | memoryview


def to_points(steps: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray) -> np.ndarray:
    points = np.empty(len(steps), POINT)
    points["step"] = steps
    points["value"] = values
    return points


def unpack_points(data: Bytes) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps (u32) and values (f64) of a row on level 0."""
    points = np.frombuffer(data, POINT)
    return points["step"], points["value"]


def pack_cursors(cursors: np.ndarray) -> bytes:
    """Takes the cursor of every point, ascending; empty where all are the same."""
    starts = np.flatnonzero(np.diff(cursors, prepend=-1))
    if len(starts) < 2:
        return b""
    runs = np.empty(len(starts), RUN)
    runs["behind"] = cursors[-1] - cursors[starts]
    runs["count"] = np.diff(starts, append=len(cursors))
    return runs.tobytes()


def unpack_cursors(newest: int, cursors: Bytes, num_points: int) -> np.ndarray:
    """Returns the cursor of every point of a row on level 0."""
    if not cursors:
        return np.full(num_points, newest, np.int64)
    runs = np.frombuffer(cursors, RUN)
    return np.repeat(newest - runs["behind"].astype(np.int64), runs["count"])
