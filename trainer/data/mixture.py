"""Which samples a task sees at each step: exact shares per source, every source walked through in seeded order."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np


class Mixture:
    """Draws (source, row) pairs. Its whole state is the number of draws per source, so a resume goes on exactly.

    The n-th draw comes from the source that is furthest behind its share (largest remainder), so after n draws no source is
    a whole sample away from its share. A source's rows are permuted anew in each epoch, by seed, name and epoch alone.
    """

    def __init__(self, names: Sequence[str], sizes: Sequence[int], shares: Sequence[float], seed: int) -> None:
        assert all(size > 0 for size in sizes)
        self.names, self.sizes, self.seed = list(names), list(sizes), seed
        self.shares = np.asarray(shares, np.float64) / sum(shares)
        self.drawn = [0] * len(self.names)
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def draw(self, count: int) -> list[tuple[int, int]]:
        """Returns the next `count` (index of the source, index of the row) pairs."""
        return [self._next() for _ in range(count)]

    def _next(self) -> tuple[int, int]:
        behind = self.shares * (sum(self.drawn) + 1) - self.drawn
        source = int(np.argmax(behind))
        epoch, position = divmod(self.drawn[source], self.sizes[source])
        self.drawn[source] += 1
        return source, int(self._order(source, epoch)[position])

    def _order(self, source: int, epoch: int) -> np.ndarray:
        kept = self._orders.get(source)
        if kept is None or kept[0] != epoch:
            key = [self.seed, zlib.crc32(self.names[source].encode()), epoch]
            kept = self._orders[source] = epoch, np.random.default_rng(key).permutation(self.sizes[source])
        return kept[1]

    def state(self) -> dict[str, int]:
        return dict(zip(self.names, self.drawn, strict=True))

    def load_state(self, state: dict[str, int]) -> None:
        self.drawn = [state[name] for name in self.names]
