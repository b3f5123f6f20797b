"""Writes new points as chunks, inside the transaction that holds the attempt's lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.live.messages import Update
from dashboard.metrics.models import Chunk
from dashboard.metrics.packing import pack
from dashboard.runs.models import Attempt
from trainer.events import encode

Series = Mapping[str, Sequence[tuple[int, float]]]


def write_points(update: Update, attempt: Attempt, series: Series) -> None:
    """Stores (step, value) pairs per metric, in step order, and adds them to the update."""
    chunks = [chunk_of(update, attempt, metric, points) for metric, points in series.items() if points]
    Chunk.objects.bulk_create(chunks)
    for metric, points in series.items():
        if points:
            steps, values = zip(*points, strict=True)
            update.points.append(
                {
                    "stage": attempt.job.position,
                    "attempt": attempt.number,
                    "metric": metric,
                    "step": list(steps),
                    "value": [encode(value) for value in values],
                }
            )


def chunk_of(update: Update, attempt: Attempt, metric: str, points: Sequence[tuple[int, float]]) -> Chunk:
    steps, values = zip(*points, strict=True)
    packed_steps, packed_values = pack(steps, values)
    return Chunk(
        attempt=attempt,
        metric=metric,
        cursor=update.cursor,
        first_step=steps[0],
        last_step=steps[-1],
        num_points=len(steps),
        steps=packed_steps,
        values=packed_values,
    )
