"""The arithmetic of the pyramid: what stands for 16 entries on the level above, and where rows are cut."""

from __future__ import annotations

import numpy as np

from dashboard.metrics.packing import ENTRY

FANOUT = 16
FULL = 4096


def as_entries(points: np.ndarray) -> np.ndarray:
    """Each point as an entry of one."""
    values, finite = points["value"], np.isfinite(points["value"])
    entries = np.empty(len(points), ENTRY)
    entries["last_step"] = points["step"]
    entries["num_not_finite"] = ~finite
    for column in ("mean", "minimum", "maximum"):
        entries[column] = values
        entries[column][~finite] = np.nan
    return entries


def fold(entries: np.ndarray, weight: int) -> np.ndarray:
    """Returns one entry for each 16 in a row, which stand for `weight` points each."""
    return merged(entries, np.full(len(entries), weight), np.arange(0, len(entries), FANOUT))


def merged(entries: np.ndarray, weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns one entry for each run of entries that begins at one of `starts`; means are weighted by their finite points.

    Shares are summed instead of sums divided, so that no sum of large numbers overflows.
    """
    found = np.empty(len(starts), ENTRY)
    ends = np.append(starts[1:], len(entries)) - 1
    finite = weights - entries["num_not_finite"].astype(np.int64)
    num_finite = np.add.reduceat(finite, starts)
    shares = finite / np.repeat(np.maximum(num_finite, 1), np.diff(starts, append=len(entries)))
    found["last_step"] = entries["last_step"][ends]
    found["num_not_finite"] = np.add.reduceat(entries["num_not_finite"], starts)
    found["mean"] = np.add.reduceat(np.where(finite > 0, entries["mean"], 0.0) * shares, starts)
    found["mean"][num_finite == 0] = np.nan
    found["minimum"] = np.fmin.reduceat(entries["minimum"], starts)
    found["maximum"] = np.fmax.reduceat(entries["maximum"], starts)
    return found
