"""Makes at most so many buckets of entries, each of about as many points: extremes survive, and what is no number is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.metrics.pyramid import merged


def buckets(entries: np.ndarray, weights: np.ndarray, max_points: int, ends: Sequence[int] | np.ndarray = ()) -> np.ndarray:
    """Returns where buckets start. None reaches over one of `ends`, the places at which a part of the curve ends."""
    cuts = sorted({int(end) for end in ends if 0 < end < len(entries)})
    ended = np.cumsum(weights)
    total = int(ended[-1]) if len(ended) else 1
    number = (ended - weights) * max(max_points - len(cuts), 1) // total
    begins = np.diff(number, prepend=-1) > 0
    begins[cuts] = True
    return np.flatnonzero(begins)


def thinned(entries: np.ndarray, weights: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the buckets and the number of points in each."""
    if not len(starts):
        return entries, weights
    return merged(entries, weights, starts), np.add.reduceat(weights, starts)
