"""What a stage does to what the ones before have learnt: the loss on every data set of the run at the end of each stage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.runs.models import Stage
from trainer.events import decode


@dataclass(frozen=True)
class Cell:
    """A validation loss; None where the stage was not asked."""

    loss: float | None
    is_best: bool = False


@dataclass(frozen=True)
class Line:
    stage: Stage
    cells: list[Cell]

    @property
    def colour(self) -> int:
        return (self.stage.index - 1) % 5 + 1


@dataclass(frozen=True)
class Forgetting:
    """Stages down, data sets across; `baseline` is what a unigram model reaches, the same for every stage."""

    datasets: list[str]
    lines: list[Line]
    baseline: list[float | None]

    @property
    def has_baseline(self) -> bool:
        return any(loss is not None for loss in self.baseline)


def forgetting_of(stages: Sequence[Stage]) -> Forgetting | None:
    """None until a stage has been asked."""
    asked = [stage for stage in stages if stage.watched.get("losses")]
    if not asked:
        return None
    datasets = sorted({name for stage in asked for name in stage.watched["losses"]})
    losses = [numbers(stage, "losses", datasets) for stage in asked]
    best = [min((each for each in column if is_number(each)), default=None) for column in zip(*losses, strict=True)]
    lines = [
        Line(stage, [Cell(loss, loss is not None and loss == least) for loss, least in zip(row, best, strict=True)])
        for stage, row in zip(asked, losses, strict=True)
    ]
    known = [numbers(stage, "baseline", datasets) for stage in asked]
    return Forgetting(datasets, lines, [next((each for each in column if each is not None), None) for column in zip(*known, strict=True)])


def numbers(stage: Stage, kind: str, datasets: Sequence[str]) -> list[float | None]:
    found = stage.watched.get(kind, {})
    return [decode(found[name]) if name in found else None for name in datasets]


def is_number(loss: float | None) -> bool:
    return loss is not None and math.isfinite(loss)
