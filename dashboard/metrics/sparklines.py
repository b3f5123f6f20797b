"""Small loss curves of many runs at once: few queries, and few bytes however long the runs are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.metrics.models import Chunk
from dashboard.metrics.packing import unpack_points
from dashboard.metrics.reading import superseded_from
from dashboard.runs.models import Attempt
from trainer.events import LOSS

WIDTH, HEIGHT, MARGIN = 100, 24, 2
CHUNKS_PER_STAGE = 24
POINTS_PER_STAGE = 40
Points = dict[int, dict[int, list[tuple[np.ndarray, np.ndarray]]]]


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


def sparklines(stages: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[int, Spark]:
    """Takes the stages of each run as `strips` gives them; runs without a finite, positive loss are left out. Three queries."""
    found: Points = defaultdict(lambda: defaultdict(list))
    places = [(stage["trained_by"], run_id, stage["index"]) for run_id, run in stages.items() for stage in run]
    made = sampled_points({job for job, _, _ in places})
    for job, run_id, index in places:
        if job in made:
            found[run_id][index] = made[job]
    return {run_id: spark for run_id, parts in found.items() if (spark := draw(parts, stages[run_id]))}


def sampled_points(jobs: Collection[int]) -> dict[int, list[tuple[np.ndarray, np.ndarray]]]:
    """Returns pieces of each job's curve: finite, positive points that no later attempt has made again."""
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for attempt, until, chunks in sampled_chunks(jobs):
        for chunk in chunks:
            steps, values = unpack_points(chunk.data)
            kept = (steps < until) & np.isfinite(values) & (values > 0)
            found[attempt.job_id].append((steps[kept], values[kept]))
    return found


def sampled_chunks(jobs: Collection[int]) -> list[tuple[Attempt, float, list[Chunk]]]:
    """Returns each attempt with the step from which it is superseded and evenly spaced chunks of its loss, the last one included."""
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(job__in=jobs).order_by("job", "number"):
        attempts[attempt.job_id].append(attempt)
    heads: dict[int, list[int]] = defaultdict(list)
    listed = Chunk.objects.filter(series__attempt__job__in=jobs, series__metric=LOSS, level=0).order_by("series", "first_point")
    for attempt_id, chunk_id in listed.values_list("series__attempt_id", "pk"):
        heads[attempt_id].append(chunk_id)
    wanted = {chunk_id for ids in heads.values() for chunk_id in spread(ids)}
    chunks: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in Chunk.objects.filter(pk__in=wanted).select_related("series").order_by("series", "first_point"):
        chunks[chunk.series.attempt_id].append(chunk)
    return [(attempt, superseded_from(attempt, group), chunks[attempt.pk]) for group in attempts.values() for attempt in group]


def spread(ids: Sequence[int]) -> list[int]:
    places = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), CHUNKS_PER_STAGE)).round().astype(int))
    return [ids[place] for place in places]


def draw(parts: Mapping[int, list[tuple[np.ndarray, np.ndarray]]], stages: Sequence[Mapping[str, Any]]) -> Spark | None:
    curves = {position: thinned(pieces) for position, pieces in sorted(parts.items()) if sum(len(steps) for steps, _ in pieces)}
    if not curves:
        return None
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


def thinned(pieces: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Means of neighbours; the last point stays as it is, because it is the one that has its number beside it."""
    steps = np.concatenate([steps for steps, _ in pieces]).astype(float)
    values = np.concatenate([values for _, values in pieces])
    starts = np.unique(np.linspace(0, len(values) - 1, min(len(values), POINTS_PER_STAGE)).round().astype(int))
    sizes = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(steps, starts) / sizes, np.add.reduceat(values, starts) / sizes
