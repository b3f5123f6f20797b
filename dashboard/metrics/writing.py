"""Writes new points, inside the transaction that holds the attempt's lease: heads, small rows, and now and then compaction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction

from dashboard.live.messages import Points, Update
from dashboard.metrics.compacting import Flush, Piece
from dashboard.metrics.models import Series
from dashboard.metrics.names import stored_name
from dashboard.metrics.packing import to_points
from dashboard.runs.models import Attempt

# Steps and values, equally long.
Columns = tuple[Sequence[int], Sequence[float]]
MOST_NOT_FINITE = 200
# Each may have a hundred small rows: thousands of series together are more than memory, and a statement of SQLite, is meant for.
FINISHED_AT_ONCE = 100
HEAD_FIELDS = ["num_points", "num_not_finite", "not_finite", "first_step", "last_step", "last_value", "levels"]


class Writer:
    """The one writer of an attempt; it keeps the heads of its series in memory.

    Whether its last transaction was committed it learns from `on_commit`; where it was not, the heads are read again.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.heads: dict[str, Series] = {}
        self.is_settled = False

    def write(self, update: Update, points: Mapping[str, Columns]) -> None:
        """Stores new points by metric, in step order, and adds them to the update."""
        batch = gathered(points)
        heads = self.begin()
        for metric in batch.keys() - heads.keys():
            heads[metric] = Series(attempt=self.attempt, metric=metric)
        touched = {metric: heads[metric] for metric in batch}
        flush = Flush(update.run_id, touched)
        flush.place({metric: piece_of(touched[metric], array, update.cursor) for metric, array in batch.items()})
        for metric, array in batch.items():
            note(touched[metric], array)
        save(touched.values())
        flush.save()
        tell(update, self.attempt, batch)

    def finish(self) -> None:
        """Leaves one small row per level of each series at the attempt's end; nothing that a page shows changes."""
        heads = {metric: head for metric, head in self.begin().items() if any(num_rows > 1 for num_rows, _ in head.levels)}
        metrics = list(heads)
        for start in range(0, len(metrics), FINISHED_AT_ONCE):
            self.settle_rows({metric: heads[metric] for metric in metrics[start : start + FINISHED_AT_ONCE]})
        save(heads.values())

    def settle_rows(self, heads: Mapping[str, Series]) -> None:
        for level in range(max(len(head.levels) for head in heads.values())):
            flush = Flush(self.attempt.job.run_id, heads)
            flush.settle_open(level)
            flush.save()

    def begin(self) -> dict[str, Series]:
        if not self.is_settled:
            self.heads = {head.metric: head for head in Series.objects.filter(attempt=self.attempt)}
        self.is_settled = False
        transaction.on_commit(self.settle)
        return self.heads

    def settle(self) -> None:
        self.is_settled = True


def write_points(update: Update, attempt: Attempt, series: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Stores (step, value) pairs per metric for an attempt that nobody else writes."""
    columns = {metric: ([step for step, _ in points], [value for _, value in points]) for metric, points in series.items()}
    Writer(attempt).write(update, columns)


def gathered(points: Mapping[str, Columns]) -> dict[str, np.ndarray]:
    """The points by the name they are kept under. Two names may be kept as one; its points are still in step order."""
    batch: dict[str, np.ndarray] = {}
    for metric, columns in points.items():
        name, array = stored_name(metric), to_points(*columns)
        if name in batch:
            array = np.concatenate([batch[name], array])
            array = array[np.argsort(array["step"], kind="stable")]
        if len(array):
            batch[name] = array
    return batch


def note(head: Series, points: np.ndarray) -> None:
    """What the head says of all points, now that these have come."""
    steps, is_finite = points["step"], np.isfinite(points["value"])
    if not head.num_points:
        head.first_step = int(steps[0])
    head.num_points += len(points)
    head.last_step = int(steps[-1])
    last_value = float(points["value"][-1])
    head.last_value = None if math.isnan(last_value) else last_value
    if not is_finite.all():
        odd = steps[~is_finite]
        head.num_not_finite += len(odd)
        head.not_finite = [*head.not_finite, *odd[: MOST_NOT_FINITE - len(head.not_finite)].tolist()]


def piece_of(head: Series, points: np.ndarray, cursor: int) -> Piece:
    return Piece(head.num_points, int(points["step"][0]), points, np.full(len(points), cursor))


def save(heads: Iterable[Series]) -> None:
    heads = list(heads)
    new, known = [head for head in heads if head.pk is None], [head for head in heads if head.pk is not None]
    Series.objects.bulk_create(new)
    Series.objects.bulk_create(known, update_conflicts=True, unique_fields=["pk"], update_fields=HEAD_FIELDS)


def tell(update: Update, attempt: Attempt, batch: Mapping[str, np.ndarray]) -> None:
    for metric, points in batch.items():
        update.points.append(Points(attempt.job.position, attempt.number, metric, points["step"], points["value"]))
