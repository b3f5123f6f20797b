"""Which samples a task sees at each step: exact shares per source, every source walked through in seeded order or by a curriculum."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainer.data.curriculum import CurriculumSampler


class Mixture:
    """Draws (source, row) pairs. Its whole state is the number of draws per source, so a resume goes on exactly.

    The n-th draw comes from the source that is furthest behind its share (largest remainder), so after n draws no source is
    a whole sample away from its share. A source's rows are permuted anew in each epoch, by seed, name and epoch alone; with
    `samplers`, one for each name, they draw the rows instead, and their states join that of the mixture.
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        shares: Sequence[float],
        seed: int,
        samplers: Mapping[str, CurriculumSampler] | None = None,
    ) -> None:
        assert all(size > 0 for size in sizes) and (not samplers or set(samplers) == set(names))
        self.samplers = dict(samplers or {})
        self.names, self.sizes, self.seed = list(names), list(sizes), seed
        self.shares = np.asarray(shares, np.float64) / sum(shares)
        self.drawn = [0] * len(self.names)
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def draw(self, count: int, step: int | None = None) -> list[tuple[int, int]]:
        """Returns the next `count` (index of the source, index of the row) pairs; a curriculum needs the step."""
        return [self._next(step) for _ in range(count)]

    def _next(self, step: int | None) -> tuple[int, int]:
        behind = self.shares * (sum(self.drawn) + 1) - self.drawn
        source = int(np.argmax(behind))
        epoch, position = divmod(self.drawn[source], self.sizes[source])
        self.drawn[source] += 1
        if self.samplers:
            assert step is not None
            return source, self.samplers[self.names[source]].draw(step)
        return source, int(self._order(source, epoch)[position])

    def difficulty_of(self, indices: Sequence[tuple[int, int]]) -> float:
        """Returns the mean difficulty of what a curriculum drew, each row in deviations from the mean of its own source."""
        rows: dict[int, list[int]] = {}
        for source, row in indices:
            rows.setdefault(source, []).append(row)
        return sum(len(each) * self.samplers[self.names[source]].difficulty_of(each) for source, each in rows.items()) / len(indices)

    def _order(self, source: int, epoch: int) -> np.ndarray:
        kept = self._orders.get(source)
        if kept is None or kept[0] != epoch:
            key = [self.seed, zlib.crc32(self.names[source].encode()), epoch]
            kept = self._orders[source] = epoch, np.random.default_rng(key).permutation(self.sizes[source])
        return kept[1]

    def state(self) -> dict[str, Any]:
        """Returns the number of draws by name, with a curriculum `{"drawn": draws, "sampler": state}`; both are JSON."""
        if not self.samplers:
            return dict(zip(self.names, self.drawn, strict=True))
        return {name: {"drawn": drawn, "sampler": self.samplers[name].state()} for name, drawn in zip(self.names, self.drawn, strict=True)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        if not self.samplers:
            self.drawn = [state[name] for name in self.names]
            return
        self.drawn = [state[name]["drawn"] for name in self.names]
        for name, sampler in self.samplers.items():
            sampler.load_state(state[name]["sampler"])
