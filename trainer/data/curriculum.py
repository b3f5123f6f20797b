"""Easy samples first: draws rows by a softmax of their easiness whose temperature grows with the steps."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

# One freak of a sample, 20 deviations easier than the rest, would otherwise be nearly all that is drawn.
LIMIT = 4.0
# Members of a bin differ by at most this much, so a try is accepted with at least exp(-1/16) = 94 %; there are 129 bins at most.
BIN_WIDTH = 1 / 16
TRIES_PER_BLOCK = 1024


class CurriculumSampler:
    """Draws with replacement; row i of n has the probability softmax(easiness / (1 + flattening * step))_i at a step.

    `easiness` is minus the standardised difficulty, float (n), cut to +-4. The rows are sorted into bins once. A step weighs the
    bins as if each row were the easiest of its bin; a draw picks a bin by its weight and a row of it alike, and keeps the row with
    exp((easiness - the bin's easiest) / temperature), else tries again. So the probabilities are exact, a step costs the number of
    bins and a draw the logarithm of it, whatever n is. Its whole state is the number of tries: each has random numbers of its own.
    """

    def __init__(self, easiness: np.ndarray, flattening: float, seed: int, name: str) -> None:
        assert len(easiness) > 0 and bool(np.isfinite(easiness).all()) and flattening >= 0
        self.easiness = np.clip(np.asarray(easiness, np.float64), -LIMIT, LIMIT)
        self.flattening, self.key, self.tries = flattening, [seed, zlib.crc32(name.encode())], 0
        bins = ((self.easiness + LIMIT) / BIN_WIDTH).astype(np.uint8)
        self.rows = np.argsort(bins, kind="stable")
        counts = np.bincount(bins)
        counts = counts[counts > 0]
        starts = np.cumsum(counts) - counts
        self.counts: list[int] = counts.tolist()
        self.starts: list[int] = starts.tolist()
        self.easiest: list[float] = np.maximum.reduceat(self.easiness[self.rows], starts).tolist()
        self._bounds: tuple[int, list[float]] = -1, []
        self._block: tuple[int, list[list[float]]] = -1, []

    def temperature(self, step: int) -> float:
        return 1 + self.flattening * step

    def draw(self, step: int) -> int:
        """Returns a row."""
        bounds, temperature = self.bounds(step), self.temperature(step)
        while True:
            for_bin, for_row, for_keeping = self.random_numbers()
            place = bisect_right(bounds, for_bin * bounds[-1])
            row = int(self.rows[self.starts[place] + int(for_row * self.counts[place])])
            if for_keeping < math.exp((self.easiness[row] - self.easiest[place]) / temperature):
                return row

    def draw_many(self, step: int, count: int) -> list[int]:
        return [self.draw(step) for _ in range(count)]

    def bounds(self, step: int) -> list[float]:
        """Returns the running sum of the bins' weights."""
        if self._bounds[0] != step:
            temperature, top = self.temperature(step), self.easiest[-1]
            weights = (n * math.exp((easiest - top) / temperature) for n, easiest in zip(self.counts, self.easiest, strict=True))
            self._bounds = step, list(accumulate(weights))
        return self._bounds[1]

    def random_numbers(self) -> list[float]:
        """Returns three numbers in [0, 1) that belong to this try alone, and counts it."""
        block, place = divmod(self.tries, TRIES_PER_BLOCK)
        if self._block[0] != block:
            self._block = block, np.random.default_rng([*self.key, block]).random((TRIES_PER_BLOCK, 3)).tolist()
        self.tries += 1
        return self._block[1][place]

    def difficulty_of(self, rows: Sequence[int]) -> float:
        """Returns the mean difficulty of rows, in deviations from the mean of all."""
        return -float(self.easiness[np.asarray(rows)].mean())

    def state(self) -> dict[str, int]:
        return {"tries": self.tries}

    def load_state(self, state: Mapping[str, int]) -> None:
        self.tries = state["tries"]
