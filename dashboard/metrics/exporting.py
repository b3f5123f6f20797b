"""Every point of a run as a table, never thinned: superseded ones too, each with the wall time of its step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import F, Value

from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.names import WALL
from dashboard.metrics.packing import POINT, Bytes
from dashboard.metrics.parts import END, Piece, attempts_of, heads_of, parts_of, superseded_from
from dashboard.metrics.reading import read_parts
from dashboard.runs.models import Attempt, Run, Stage

MOST_ROWS = 16
COLUMNS = ("stage", "attempt", "superseded", "metric", "step", "run_step", "at", "value")


@dataclass(frozen=True)
class Table:
    """Some points of one metric of one attempt. `at` is in Unix seconds, NaN where the attempt did not say."""

    stage: int
    attempt: int
    metric: str
    superseded: np.ndarray
    step: np.ndarray
    run_step: np.ndarray
    at: np.ndarray
    value: np.ndarray


class RunDeleted(Exception):
    """What was read of the run may lack points: the answer must break off, so that nobody takes it for all of them."""


def tables(run: Run, metrics: Collection[str] = ()) -> Iterator[Table]:
    """Yields all points, or those of some metrics, by stage, attempt, metric and step. Raises RunDeleted at the end."""
    stages = list(run.stages)
    attempts = attempts_of([stage.trained_by for stage in stages])
    offset = 0
    for stage in stages:
        for attempt in attempts.get(stage.trained_by, ()):
            until = superseded_from(attempt, attempts[stage.trained_by])
            yield from tables_of(stage, attempt, until, offset, metrics)
        offset += stage.num_steps
    # A run is hidden before its first row goes.
    if not Run.objects.filter(pk=run.pk, deleted_at=None).exists():
        raise RunDeleted(f"run {run.pk} was deleted while it was exported")


def tables_of(stage: Stage, attempt: Attempt, until: int, offset: int, metrics: Collection[str]) -> Iterator[Table]:
    found = Series.objects.filter(attempt=attempt)
    for series in (found.filter(metric__in=metrics) if metrics else found).order_by("metric"):
        for points in batches(series):
            steps = points["step"].astype(np.int64)
            at = walls(attempt, steps)
            yield Table(stage.index, attempt.number, series.metric, steps >= until, steps, steps + offset, at, points["value"])


def batches(series: Series) -> Iterator[np.ndarray]:
    """The points in order, some rows at a time, however many there are.

    Between two pieces no statement is open: it may take as long as whoever reads them likes, and SQLite's log would grow all the while.
    """
    num_given = 0
    while rows := rows_from(series, num_given):
        points = np.frombuffer(b"".join(data for _, data in rows), POINT)
        # Rows that are joined meanwhile begin before the place that was reached.
        yield points[max(num_given - rows[0][0], 0) :]
        num_given = rows[0][0] + len(points)


def rows_from(series: Series, point: int) -> list[tuple[int, Bytes]]:
    """Returns the next rows that hold a point and those behind it: the place of each in the series, and its data."""
    rows = Chunk.objects.filter(series=series, level=0, first_point__gt=Value(point) - F("num_entries"))
    return list(rows.order_by("first_point").values_list("first_point", "data")[:MOST_ROWS])


def walls(attempt: Attempt, steps: np.ndarray) -> np.ndarray:
    """When the steps were made: between two steps that are known, in proportion."""
    low, high = int(steps[0]), int(steps[-1])
    heads = heads_of({0: [attempt]}, [WALL])
    curve = read_parts([parts_of(0, [attempt], heads, Piece(WALL, attempt.number, low, high))], max_points=END)[0]
    if not len(curve.step):
        return np.full(len(steps), np.nan)
    at: np.ndarray = np.interp(steps, curve.step, curve.value)
    return at


def names_of(run: Run, asked: Sequence[str]) -> list[str]:
    """The asked metrics that the run does not have."""
    jobs = [stage.trained_by for stage in run.stages]
    known = set(Series.objects.filter(attempt__job__in=jobs, metric__in=asked).values_list("metric", flat=True))
    return [metric for metric in asked if metric not in known]
