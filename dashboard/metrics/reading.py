"""Reads a metric of a run as one honest curve: newest attempts win, extremes survive thinning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from dashboard.metrics.models import Chunk
from dashboard.metrics.models import Series as Head
from dashboard.metrics.names import is_chart
from dashboard.metrics.packing import unpack_points
from dashboard.runs.models import Attempt, Run, Stage

Ends = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class Series:
    """Points of one metric, raw or as buckets. `cursor` is where the websocket goes on."""

    metric: str
    stage: int | None
    num_points: int
    buckets: bool
    step: np.ndarray
    value: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    cursor: int


def series(run: Run, metric: str, stage: int | None = None, max_points: int = 2000, attempt: int | None = None) -> Series:
    """Reads one metric, of one stage (steps of the stage) or of the whole run (steps of the run).

    With `attempt`, everything that attempt of the stage wrote, superseded or not.
    """
    with transaction.atomic():
        cursor = Run.objects.values_list("cursor", flat=True).get(pk=run.pk)
        points = [stage_points(each, metric, attempt) for each in stages_of(run, stage)]
    offsets = stage_offsets(run) if stage is None else {}
    steps = np.concatenate([steps + offsets.get(index, 0) for index, steps, _ in points] or [np.empty(0, np.int64)])
    values = np.concatenate([values for _, _, values in points] or [np.empty(0)])
    ends = np.cumsum([len(values) for _, _, values in points], dtype=np.int64)[:-1]
    return thin(metric, stage, steps, values, max_points, cursor, ends)


def stages_of(run: Run, index: int | None) -> list[Stage]:
    stages = run.stages if index is None else run.stages.filter(index=index)
    return list(stages)


def stage_offsets(run: Run) -> dict[int, int]:
    """Returns for each stage the run step that its own step 0 is."""
    offsets, total = {}, 0
    for stage in run.stages:
        offsets[stage.index] = total
        total += stage.num_steps
    return offsets


def stage_points(stage: Stage, metric: str, number: int | None = None) -> tuple[int, np.ndarray, np.ndarray]:
    """Returns the stage's index, its steps (int64, ascending) and values; each step once, from the newest attempt that made it.

    The points of a reused stage are those of the stage that trained it.
    """
    attempts = list(Attempt.objects.filter(job=stage.trained_by).order_by("number"))
    chunks = chunks_of(attempts, metric)
    parts = []
    for attempt in attempts:
        steps, values = join(chunks[attempt.pk])
        if number is None:
            kept = steps < superseded_from(attempt, attempts)
            parts.append((steps[kept], values[kept]))
        elif attempt.number == number:
            parts.append((steps, values))
    steps, values = concatenate(parts)
    return stage.index, steps, values


def superseded_from(attempt: Attempt, attempts: list[Attempt]) -> float:
    """Returns the step from which on later attempts have made this one's points again."""
    return min((later.first_step for later in attempts if later.number > attempt.number and later.first_step), default=np.inf)


def chunks_of(attempts: list[Attempt], metric: str) -> dict[int, list[Chunk]]:
    found: dict[int, list[Chunk]] = defaultdict(list)
    rows = Chunk.objects.filter(series__attempt__in=attempts, series__metric=metric, level=0).select_related("series")
    for chunk in rows.order_by("series", "first_point"):
        found[chunk.series.attempt_id].append(chunk)
    return found


def join(chunks: list[Chunk]) -> tuple[np.ndarray, np.ndarray]:
    return concatenate([unpack_points(chunk.data) for chunk in chunks])


def concatenate(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    steps = np.concatenate([np.empty(0, np.int64), *(steps.astype(np.int64) for steps, _ in parts)])
    values = np.concatenate([np.empty(0), *(values for _, values in parts)])
    return steps, values


def thin(metric: str, stage: int | None, steps: np.ndarray, values: np.ndarray, max_points: int, cursor: int, ends: Ends = ()) -> Series:
    """Groups neighbours into at most `max_points` buckets, each with its mean and extremes; few points stay raw.

    No bucket reaches over one of `ends`, the indices at which a stage ends.
    """
    count = len(steps)
    if count <= max_points:
        return Series(metric, stage, count, False, steps, values, values, values, cursor)
    cuts = np.unique([end for end in ends if 0 < end < count]).astype(np.int64)
    starts = np.union1d(np.linspace(0, count, max(max_points - len(cuts), 1), endpoint=False).astype(np.int64), cuts)
    finite = np.isfinite(values)
    sizes = np.maximum(np.add.reduceat(finite, starts), 1)
    means = np.add.reduceat(np.where(finite, values, 0.0), starts) / sizes
    means[~np.logical_or.reduceat(finite, starts)] = np.nan
    last_steps = steps[np.append(starts[1:], count) - 1]
    return Series(metric, stage, count, True, last_steps, means, np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts), cursor)


def metric_names(run: Run) -> list[str]:
    jobs = [stage.trained_by for stage in run.stages]
    names = Head.objects.filter(attempt__job__in=jobs).values_list("metric", flat=True).distinct()
    return sorted(filter(is_chart, names))
