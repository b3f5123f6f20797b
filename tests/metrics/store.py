"""An attempt that a test writes to, in flushes of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db import transaction

from dashboard.live.messages import Update
from dashboard.metrics.models import Series
from dashboard.metrics.writing import Writer
from dashboard.runs.models import Attempt, Run
from tests.cast import Cast
from tests.pages.working import claim


@dataclass
class Book:
    """Writes as the relay does, a cursor for each flush, without the rest of a transaction."""

    attempt: Attempt
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self.attempt)

    @property
    def run(self) -> Run:
        return self.attempt.job.run

    def flush(self, metric: str, steps: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray) -> int:
        """Returns the cursor it was written under."""
        with transaction.atomic():
            run = Run.objects.get(pk=self.run.pk)
            run.cursor += 1
            run.save(update_fields=["cursor"])
            self.writer.write(Update(run.pk, run.cursor), {metric: (steps, values)})
        self.writer.settle()
        return run.cursor

    def write(self, metric: str, sizes: Sequence[int], steps: np.ndarray, values: np.ndarray) -> None:
        start = 0
        for size in sizes:
            self.flush(metric, steps[start : start + size], values[start : start + size])
            start += size

    def series(self, metric: str) -> Series:
        return Series.objects.get(attempt=self.attempt, metric=metric)


def open_book(cast: Cast) -> Book:
    cast.submit()
    return Book(Attempt.objects.select_related("job__run").get(pk=claim().attempt_id))


ODD = np.array([np.nan, np.inf, -np.inf, 1e-300, -1e300, 1e300, 1.7e308, 5e-324, 0.0])


def some_points(count: int, seed: int, gap: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Ascending steps, some apart, and values among which are all the odd ones."""
    luck = np.random.default_rng(seed)
    steps = np.cumsum(luck.integers(1, gap + 1, count))
    values = luck.normal(size=count)
    odd = luck.random(count) < 0.05
    values[odd] = luck.choice(ODD, odd.sum())
    return steps, values
