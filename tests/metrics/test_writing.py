"""What is written is there, whatever the flushes: each level of the pyramid covers every point exactly once."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.live.messages import Update
from dashboard.metrics import writing
from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.names import LONGEST, stored_name
from dashboard.metrics.replaying import points_after
from tests.cast import Cast
from tests.metrics.rows import check_series
from tests.metrics.store import Book, open_book, some_points

pytestmark = pytest.mark.django_db
LOSS = "train/loss"
SIZES = st.lists(st.one_of(st.integers(1, 8), st.integers(1, 6000), st.just(4096)), min_size=1, max_size=90)
QUIET = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
numbers = itertools.count()


@pytest.fixture
def book(cast: Cast) -> Book:
    return open_book(cast)


@settings(max_examples=25, **QUIET)
@given(sizes=SIZES, seed=st.integers(0, 2**32 - 1), gap=st.sampled_from([1, 3, 1000]), ends=st.booleans())
def test_every_level_covers_every_point_once(book: Book, sizes: list[int], seed: int, gap: int, ends: bool) -> None:
    metric = f"metric {next(numbers)}"
    steps, values = some_points(sum(sizes), seed, gap)
    book.write(metric, sizes, steps, values)
    if ends:
        book.writer.finish()
    check_series(book.series(metric), steps, values)
    if ends:
        assert all(num_rows <= 1 for num_rows, _ in book.series(metric).levels)


@settings(max_examples=15, **QUIET)
@given(sizes=SIZES, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_what_was_written_after_a_cursor_comes_back_exactly(book: Book, sizes: list[int], seed: int, data: st.DataObject) -> None:
    metric = f"metric {next(numbers)}"
    steps, values = some_points(sum(sizes), seed)
    ends = np.cumsum(sizes).tolist()
    cursors = [book.flush(metric, steps[end - size : end], values[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    after = data.draw(st.integers(0, len(sizes)))
    until = data.draw(st.integers(after, len(sizes)))
    found = [each for each in points_after(book.run.pk, cursors[0] + after - 1, cursors[0] + until - 1) if each.metric == metric]
    expected = np.repeat(cursors, sizes)
    kept = (expected >= cursors[0] + after) & (expected < cursors[0] + until)
    assert np.concatenate([[], *(each.steps for each in found)]).tolist() == steps[kept].tolist()
    assert np.array_equal(np.concatenate([[], *(each.values for each in found)]), values[kept], equal_nan=True)
    assert [cursor for each in found for cursor in [each.cursor] * len(each.steps)] == expected[kept].tolist()


def test_two_million_points_in_one_flush(book: Book) -> None:
    steps, values = some_points(2_000_000, 0)
    book.flush(LOSS, steps, values)
    series = book.series(LOSS)
    assert all(num_rows <= 1 for num_rows, _ in series.levels)
    check_series(series, steps, values)


def test_many_metrics_that_come_together_are_compacted_in_turn(book: Book) -> None:
    """A transaction rewrites few series, and none falls behind for long."""
    metrics = [f"m/{number}" for number in range(200)]
    most = 0
    for step in range(1, 140):
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            book.writer.write(Update(book.run.pk, step), {metric: ([step], [float(step)]) for metric in metrics})
        book.writer.settle()
        rewritten = Chunk.objects.filter(run=book.run, cursor=step, num_entries__gt=1).count()
        most = max(most, rewritten)
        assert len(queries) < 20
    assert 0 < most <= 9
    rows = np.unique(list(Chunk.objects.filter(run=book.run).values_list("series_id", flat=True)), return_counts=True)[1]
    assert rows.max() < 64 + 200 // 8
    for metric in metrics[::50]:
        check_series(book.series(metric), np.arange(1, 140), np.arange(1.0, 140.0))


def test_the_end_of_an_attempt_of_many_metrics_fits_into_statements(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite takes 32,766 values in one, which the rows of some 500 metrics are more than; both are smaller here."""
    monkeypatch.setattr(writing, "FINISHED_AT_ONCE", 10)
    metrics = [f"m/{number}" for number in range(45)]
    for step in range(1, 51):
        with transaction.atomic():
            book.writer.write(Update(book.run.pk, step), {metric: ([step], [float(step)]) for metric in metrics})
        book.writer.settle()
    with at_most_values(1000):
        book.writer.finish()
    for metric in metrics:
        check_series(book.series(metric), np.arange(1, 51), np.arange(1.0, 51.0))
        assert Chunk.objects.filter(series__metric=metric).count() == 1


@contextlib.contextmanager
def at_most_values(number: int) -> Iterator[None]:
    """In one statement; PostgreSQL has no such limit."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, number)
    try:
        yield
    finally:
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


def test_after_a_transaction_that_failed_the_heads_are_read_again(cast: Cast, django_capture_on_commit_callbacks) -> None:
    book = open_book(cast)
    book.flush(LOSS, [1, 2], [1.0, 2.0])
    with pytest.raises(DatabaseError):
        write_and_fail(book)
    with django_capture_on_commit_callbacks(execute=True):
        book.writer.write(Update(book.run.pk, 91), {LOSS: ([3], [4.0]), "new": ([3], [4.0])})
    assert book.writer.is_settled
    check_series(book.series(LOSS), np.array([1, 2, 3]), np.array([1.0, 2.0, 4.0]))
    check_series(book.series("new"), np.array([3]), np.array([4.0]))


def write_and_fail(book: Book) -> None:
    with transaction.atomic():
        book.writer.write(Update(book.run.pk, 90), {LOSS: ([3], [3.0]), "new": ([3], [3.0])})
        raise DatabaseError


LONG_NAMES = ["x" * 1000, "x" * 999 + "y", "x" * 500]
ODD_NAMES = [*LONG_NAMES, "a\0b", "🦜/λ", "\ud800", '"quoted"', "it's", "100%s %(a)s", "line\nbreak", " ", "", "=cmd()", "../.."]


def test_metrics_of_every_name_are_kept_apart(book: Book) -> None:
    with transaction.atomic():
        book.writer.write(Update(book.run.pk, 7), {name: ([1], [float(place)]) for place, name in enumerate(ODD_NAMES)})
    for place, name in enumerate(ODD_NAMES):
        series = Series.objects.get(attempt=book.attempt, metric=stored_name(name))
        assert series.last_value == place
        assert len(series.metric) <= LONGEST


def test_two_names_that_are_kept_as_one_lose_no_point(book: Book) -> None:
    with transaction.atomic():
        book.writer.write(Update(book.run.pk, 7), {"a\0": ([1, 3], [1.0, 3.0]), "a\ufffd": ([2], [2.0])})
    check_series(book.series("a\ufffd"), np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0]))


def test_a_flush_without_points_writes_nothing(book: Book) -> None:
    with transaction.atomic():
        book.writer.write(Update(book.run.pk, 7), {LOSS: ([], [])})
    assert not Series.objects.exists()
