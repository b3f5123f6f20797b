"""Which document a language model reads next: shares of tokens per source, every source walked through in seeded order."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

Name = tuple[str, str]


class Sampler(Protocol):
    """A source's own order, such as the curriculum's."""

    def draw(self, step: int) -> int: ...

    def state(self) -> dict[str, Any]: ...

    def load_state(self, state: dict[str, Any]) -> None: ...


class TokenMixture:
    """Names the source that is furthest behind its share of tokens, and the next document of a source.

    The two are apart, because whoever fills rows draws documents ahead and takes what fits: what is read is counted when it is
    placed. Read piece by piece from whichever source is furthest behind, no source is more than a piece away from its share. The
    documents of a source are permuted anew in each epoch, by seed, name and epoch alone; a sampler takes the permutation's place.
    """

    def __init__(
        self,
        names: Sequence[Name],
        sizes: Sequence[int],
        shares: Sequence[float],
        seed: int,
        samplers: Mapping[Name, Sampler] | None = None,
    ) -> None:
        """`names` are (task, data set), `sizes` the numbers of documents, `shares` in any unit."""
        assert all(size > 0 for size in sizes) and len(set(names)) == len(names)
        self.names, self.sizes, self.seed, self.samplers = list(names), list(sizes), seed, dict(samplers or {})
        self.shares = [share / sum(shares) for share in shares]
        self.num_drawn, self.num_samples, self.num_tokens = ([0] * len(self.names) for _ in range(3))
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def lag(self, source: int) -> float:
        """Returns the number of tokens that a source is behind its share; below 0 when it is ahead."""
        return self.shares[source] * sum(self.num_tokens) - self.num_tokens[source]

    def behind(self) -> list[int]:
        """Returns the sources that have a share, the furthest behind first; at the start the largest share is."""
        total = sum(self.num_tokens)
        lags = [(self.num_tokens[source] - share * total, -share, source) for source, share in enumerate(self.shares) if share > 0]
        return [source for _, _, source in sorted(lags)]

    def draw(self, source: int, step: int) -> int:
        """Returns the next document of a source."""
        place = self.num_drawn[source]
        self.num_drawn[source] += 1
        if sampler := self.samplers.get(self.names[source]):
            return sampler.draw(step)
        epoch, position = divmod(place, self.sizes[source])
        return int(self._order(source, epoch)[position])

    def count(self, source: int, num_tokens: int, *, is_new: bool) -> None:
        """Notes tokens that were read, and whether a document began with them."""
        self.num_tokens[source] += num_tokens
        self.num_samples[source] += is_new

    def _order(self, source: int, epoch: int) -> np.ndarray:
        kept = self._orders.get(source)
        if kept is None or kept[0] != epoch:
            key = [self.seed, zlib.crc32("/".join(self.names[source]).encode()), epoch]
            kept = self._orders[source] = epoch, np.random.default_rng(key).permutation(self.sizes[source])
        return kept[1]

    def ledger(self) -> list[dict[str, Any]]:
        """Returns what was read of each source; `asked` and `seen` are shares of all tokens."""
        total = max(sum(self.num_tokens), 1)
        return [
            {
                "task": task,
                "dataset": dataset,
                "asked": self.shares[source],
                "seen": self.num_tokens[source] / total,
                "num_samples": self.num_samples[source],
                "num_tokens": self.num_tokens[source],
                "epochs": self.num_samples[source] / self.sizes[source],
            }
            for source, (task, dataset) in enumerate(self.names)
        ]

    def state(self) -> dict[str, Any]:
        """Returns JSON, by `task/data set`."""
        return {
            "/".join(name): {
                "drawn": self.num_drawn[source],
                "samples": self.num_samples[source],
                "tokens": self.num_tokens[source],
                "sampler": self.samplers[name].state() if name in self.samplers else None,
            }
            for source, name in enumerate(self.names)
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        found = [state["/".join(name)] for name in self.names]
        self.num_drawn, self.num_samples, self.num_tokens = ([each[key] for each in found] for key in ("drawn", "samples", "tokens"))
        for name, each in zip(self.names, found, strict=True):
            if name in self.samplers:
                self.samplers[name].load_state(each["sampler"])
