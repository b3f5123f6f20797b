"""Reads metrics of runs as honest curves: newest attempts win, extremes survive thinning, and no point is left out or counted twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.metrics.clipping import entries_in, points_in
from dashboard.metrics.models import Series
from dashboard.metrics.names import is_chart
from dashboard.metrics.parts import Ask, Material, Part, Piece
from dashboard.metrics.pyramid import FANOUT
from dashboard.metrics.rows import Row, Window, bounds, rows_in, window_of
from dashboard.metrics.thinning import buckets, thinned
from dashboard.runs.models import Run

MAX_POINTS = 2000
HIGHEST = 12
Rows = Mapping[Window, Sequence[Row]]


@dataclass(frozen=True)
class Curve:
    """Points of one metric, raw or as buckets, each at the step of its last point.

    `part` has for each the number of its piece of the curve, `size` how many points it stands for, `num_not_finite` how many of
    these are no finite number: the mean and the extremes are those of the others, and NaN where there is none.
    """

    buckets: bool
    step: np.ndarray
    value: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    not_finite: np.ndarray
    size: np.ndarray
    part: np.ndarray
    parts: Sequence[Part] = field(default=())

    @property
    def num_points(self) -> int:
        return int(self.size.sum())

    @property
    def num_not_finite(self) -> int:
        return int(self.not_finite.sum())


def series(run: Run, metric: str, stage: int | None = None, max_points: int = MAX_POINTS, attempt: int | None = None) -> Curve:
    """One metric, of one stage (steps of the stage) or of the whole run (steps of the run)."""
    return read([Ask(run, Piece(metric, attempt), stage)], max_points)[0]


def read(asks: Sequence[Ask], max_points: int = MAX_POINTS) -> list[Curve]:
    """Returns a curve for each; the number of queries does not depend on how many there are, nor on how long they are."""
    material = Material.of({ask.run for ask in asks}, {ask.piece.metric for ask in asks})
    return read_parts([material.parts(ask) for ask in asks], max_points)


def read_parts(curves: Sequence[Sequence[Part]], max_points: int) -> list[Curve]:
    """Reads curves of which the parts are known. Two queries."""
    known = bounds(part for parts in curves for part in parts)
    levels = [level_of(parts, known, max_points) for parts in curves]
    rows = rows_in(window_of(part, level) for parts, level in zip(curves, levels, strict=True) for part in parts)
    return [curve(parts, level, rows, max_points) for parts, level in zip(curves, levels, strict=True)]


def level_of(parts: Iterable[Part], known: Mapping[Window, tuple[int, int]], max_points: int) -> int:
    """The highest level that still has `max_points` entries; the lowest where all points may be few enough to be sent as they are."""
    least = sum(known[window_of(part)][0] for part in parts)
    level = 0
    while least > max_points and level < HIGHEST and least // FANOUT ** (level + 1) >= max_points:
        level += 1
    return level


def curve(parts: Sequence[Part], level: int, rows: Rows, max_points: int) -> Curve:
    if level == 0:
        pieces = [points_in(rows.get(window := window_of(part), ()), window) for part in parts]
        if sum(len(piece) for piece in pieces) <= max_points:
            return raw(parts, pieces)
    found = [entries_in(rows.get(window := window_of(part, level), ()), window) for part in parts]
    return bucketed(parts, [entries for entries, _ in found], [weights for _, weights in found], max_points)


def raw(parts: Sequence[Part], pieces: Sequence[np.ndarray]) -> Curve:
    sizes = [len(piece) for piece in pieces]
    steps = np.concatenate([np.empty(0, np.int64), *(piece["step"] for piece in pieces)]) + shifts(parts, sizes)
    values = np.concatenate([np.empty(0), *(piece["value"] for piece in pieces)])
    number = np.repeat(np.arange(len(parts)), sizes)
    return Curve(False, steps, values, values, values, (~np.isfinite(values)).astype(int), np.ones(len(values), int), number, parts)


def bucketed(parts: Sequence[Part], pieces: Sequence[np.ndarray], weights: Sequence[np.ndarray], max_points: int) -> Curve:
    """No bucket reaches over the end of a part."""
    lengths = [len(piece) for piece in pieces]
    whole, weight = np.concatenate(pieces), np.concatenate(weights)
    starts = buckets(whole, weight, max_points, np.cumsum(lengths))
    found, sizes = thinned(whole, weight, starts)
    number = np.repeat(np.arange(len(parts)), lengths)[starts]
    steps = found["last_step"] + shifts(parts, lengths)[starts]
    return Curve(True, steps, found["mean"], found["minimum"], found["maximum"], found["num_not_finite"], sizes, number, parts)


def shifts(parts: Sequence[Part], lengths: Sequence[int]) -> np.ndarray:
    return np.repeat(np.array([part.offset for part in parts], np.int64), lengths)


def stage_offsets(run: Run) -> dict[int, int]:
    """Returns for each stage the run step that its own step 0 is."""
    offsets, total = {}, 0
    for stage in run.stages:
        offsets[stage.index] = total
        total += stage.num_steps
    return offsets


def metric_names(run: Run) -> list[str]:
    """The metrics that there are charts of, reused stages included."""
    return sorted(filter(is_chart, stored_names(run)))


def axis_names(run: Run) -> list[str]:
    """The series that charts of this run can be drawn over."""
    return sorted(name for name in stored_names(run) if not is_chart(name))


def stored_names(run: Run) -> set[str]:
    jobs = [stage.trained_by for stage in run.stages]
    return set(Series.objects.filter(attempt__job__in=jobs).values_list("metric", flat=True).distinct())
