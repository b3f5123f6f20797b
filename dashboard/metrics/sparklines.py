"""Small loss curves of many runs at once: few queries, and few bytes however long the runs are."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np

from dashboard.metrics.parts import Piece, attempts_of, heads_of, parts_of
from dashboard.metrics.reading import Curve, read_parts
from dashboard.runs.models import Run
from trainer.events import LOSS

WIDTH, HEIGHT, MARGIN = 100, 24, 2
POINTS_PER_STAGE = 40
NUM_KEPT = 2000
Points = tuple[np.ndarray, np.ndarray]
Key = tuple[int, datetime, int]


@dataclass(frozen=True)
class Line:
    """One stage's piece of the curve, as an SVG polyline on a field of 100 by 24; `ends` in its newest point."""

    stage: int
    points: str
    end: str

    @property
    def colour(self) -> int:
        return (self.stage - 1) % 5 + 1


@dataclass(frozen=True)
class Spark:
    """The loss on a logarithmic axis from `low` to `high` (natural logarithms), over the steps of the whole run."""

    lines: tuple[Line, ...]
    low: float
    high: float


class Drawn:
    """The sparklines that this process has drawn. A run that has not moved on (its cursor is the same) keeps its own."""

    def __init__(self) -> None:
        self.lock, self.kept = Lock(), OrderedDict[Key, Spark | None]()

    def of(self, runs: Sequence[Run], stages: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[int, Spark | None]:
        """Takes the stages of each run as `strips` gives them. At most four queries."""
        keys: dict[int, Key] = {run.pk: (run.pk, run.created_at, run.cursor) for run in runs}
        with self.lock:
            known = {pk: self.kept[key] for pk, key in keys.items() if key in self.kept}
        missing = {pk: stages[pk] for pk in keys if pk not in known}
        made = sparklines(missing) if missing else {}
        known |= {pk: made.get(pk) for pk in missing}
        self.keep({key: known[pk] for pk, key in keys.items()})
        return known

    def keep(self, sparks: Mapping[Key, Spark | None]) -> None:
        """The oldest go."""
        with self.lock:
            for key, spark in sparks.items():
                self.kept[key] = spark
                self.kept.move_to_end(key)
            while len(self.kept) > NUM_KEPT:
                self.kept.popitem(last=False)


drawn = Drawn()


def sparklines(stages: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[int, Spark]:
    """Takes the stages of each run as `strips` gives them; runs without a finite, positive loss are left out. Four queries."""
    made = losses_of({stage["trained_by"] for run in stages.values() for stage in run})
    found = {}
    for run_id, run in stages.items():
        curves = {stage["index"]: points for stage in run if len((points := made[stage["trained_by"]])[0])}
        if curves:
            found[run_id] = draw(curves, run)
    return found


def losses_of(jobs: Collection[int]) -> dict[int, Points]:
    """Returns steps and loss of each job, few and without what has no logarithm."""
    attempts = attempts_of(jobs)
    heads = heads_of(attempts, [LOSS])
    parts = {job: parts_of(0, attempts.get(job, ()), heads, Piece(LOSS)) for job in jobs}
    return {job: positive(curve) for job, curve in zip(parts, read_parts(list(parts.values()), POINTS_PER_STAGE), strict=True)}


def positive(curve: Curve) -> Points:
    """The last point stays as it is, because it is the one that has its number beside it."""
    steps, values = curve.step.astype(float), curve.value
    last = curve.parts[-1].head if curve.buckets and curve.parts[-1].is_whole else None
    if last and last.last_value is not None:
        steps, values = np.append(steps, last.last_step), np.append(values, last.last_value)
    kept = np.isfinite(values) & (values > 0)
    return steps[kept], values[kept]


def draw(curves: Mapping[int, Points], stages: Sequence[Mapping[str, Any]]) -> Spark:
    low = min(math.log(values.min()) for _, values in curves.values())
    high = max(math.log(values.max()) for _, values in curves.values())
    total, offset, lines = sum(stage["num_steps"] for stage in stages), 0, []
    for stage in stages:
        if stage["index"] in curves:
            lines.append(line(stage["index"], *curves[stage["index"]], offset, total, low, high))
        offset += stage["num_steps"]
    return Spark(tuple(lines), low, high)


def line(stage: int, steps: np.ndarray, values: np.ndarray, offset: int, total: int, low: float, high: float) -> Line:
    x = WIDTH * (steps + offset) / total
    y = MARGIN + (HEIGHT - 2 * MARGIN) * (high - np.log(values)) / max(high - low, 1e-9)
    points = [f"{left:.1f},{top:.1f}" for left, top in zip(x.tolist(), y.tolist(), strict=True)]
    return Line(stage, " ".join(points), points[-1])
