"""The points of a database that is older than the pyramid are carried over, and back, by the real migrations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.replaying import points_after
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run
from tests.cast import Cast
from tests.metrics.rows import check_series
from tests.pages.working import worker

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = [("metrics", "0001_initial")], [("metrics", "0004_without_the_old_rows")]
FLUSHES = (1, 3, 5000, 2, 90)


def migrate(target: list[tuple[str, str]]) -> MigrationExecutor:
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    return MigrationExecutor(connection)


def old_rows(attempt: Attempt) -> list[dict[str, object]]:
    """As the store before wrote them: one row for each flush and metric, a NaN and an infinity among the values."""
    rows, step = [], 0
    for cursor, size in enumerate(FLUSHES, 2):
        steps = np.arange(step + 1, step + 1 + size, dtype="<u4")
        values = np.sin(steps.astype("<f8"))
        values[steps == 3], values[steps == 700] = np.nan, np.inf
        for metric in ("train/loss", "train/grad_norm"):
            packed = {"steps": steps.tobytes(), "values": values.tobytes()}
            ends = {"first_step": int(steps[0]), "last_step": int(steps[-1]), "num_points": size}
            rows.append({"attempt_id": attempt.pk, "metric": metric, "cursor": cursor, **ends, **packed})
        step += size
    return rows


@pytest.fixture
def rows(cast: Cast) -> Iterator[list[dict[str, object]]]:
    """A database with these rows in the old tables; the tests after this one find the present ones again."""
    cast.submit()
    lease = lifecycle.claim(worker())
    assert lease
    made = old_rows(Attempt.objects.get(pk=lease.attempt_id))
    state = migrate(OLD).loader.project_state(OLD)
    chunk = state.apps.get_model("metrics", "Chunk")
    chunk.objects.bulk_create([chunk(**row) for row in made])
    yield made
    migrate(NEW)


def test_the_points_are_carried_over_and_back(rows: list[dict[str, object]]) -> None:
    migrate(NEW)
    series = Series.objects.get(metric="train/loss")
    steps = np.arange(1, sum(FLUSHES) + 1)
    values = np.sin(steps.astype("<f8"))
    values[2], values[699] = np.nan, np.inf
    check_series(series, steps, values)
    assert (series.num_not_finite, series.not_finite) == (2, [3, 700])
    assert Chunk.objects.filter(series=series, is_full=True, level=0).count() == 1

    run = Run.objects.get()
    written: Counter[int] = Counter()
    for each in points_after(run.pk, 2, 5):
        written[each.cursor] += len(each.steps) * (each.metric == "train/loss")
    assert written == dict(zip((3, 4, 5), FLUSHES[1:4], strict=True))

    chunk = migrate(OLD).loader.project_state(OLD).apps.get_model("metrics", "Chunk")
    assert flushes(chunk.objects.order_by("pk").values()) == flushes(rows)


def flushes(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[int, str, int], list[tuple[int, bytes]]]:
    """The points by attempt, metric and cursor; one flush may have come back as two rows."""
    found: dict[tuple[int, str, int], list[tuple[int, bytes]]] = defaultdict(list)
    for row in rows:
        steps, values = np.frombuffer(row["steps"], "<u4"), np.frombuffer(row["values"], "<f8")
        assert (row["first_step"], row["last_step"], row["num_points"]) == (steps[0], steps[-1], len(steps))
        points = zip(steps.tolist(), [value.tobytes() for value in values], strict=True)
        found[row["attempt_id"], row["metric"], row["cursor"]] += points
    return found


def test_an_empty_database_is_carried_over_too(db) -> None:
    migrate(OLD)
    migrate(NEW)
    assert Chunk.objects.count() == 0
