"""The curriculum of a language model's stage: how hard each document is, and a sampler a source that draws the easy ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.config import Stage
from trainer.data.curriculum import CurriculumSampler
from trainer.data.difficulty import difficulty, length, rarity
from trainer.data.documents import Documents
from trainer.data.token_mixture import Name

DocumentLosses = Callable[[Documents], np.ndarray]


class HeardSampler:
    """A curriculum's sampler that remembers the difficulty of what it drew."""

    def __init__(self, sampler: CurriculumSampler) -> None:
        self.sampler = sampler
        self.drawn: list[int] = []

    def draw(self, step: int) -> int:
        self.drawn.append(self.sampler.draw(step))
        return self.drawn[-1]

    def state(self) -> dict[str, Any]:
        return self.sampler.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.sampler.load_state(dict(state))

    def heard(self) -> list[float]:
        """Returns the difficulties, in deviations from the source's mean, of what was drawn since this was last asked."""
        found = [self.sampler.difficulty_of([row]) for row in self.drawn]
        self.drawn = []
        return found


def samplers(stage: Stage, names: Sequence[Name], documents: Sequence[Documents], losses: DocumentLosses) -> dict[Name, HeardSampler]:
    """Returns a sampler by source, none without a curriculum. Raises ValueError for what cannot be measured."""
    return dict(each for name, source in zip(names, documents, strict=True) for each in sampler_of(stage, name, source, losses))


def sampler_of(stage: Stage, name: Name, documents: Documents, losses: DocumentLosses) -> Iterator[tuple[Name, HeardSampler]]:
    if stage.curriculum is None:
        return
    measures = {"length": length(documents.offsets), "rarity": rarity(documents.tokens, documents.offsets)}
    if stage.curriculum.loss:
        measures["loss"] = losses(documents)
    easiness = -difficulty(stage.curriculum, measures)
    yield name, HeardSampler(CurriculumSampler(easiness, stage.curriculum.flattening, stage.seed, "/".join(name)))
