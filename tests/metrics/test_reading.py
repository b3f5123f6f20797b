"""Curves against what was written: raw ones are equal to it, and every point is in exactly one bucket, which tells its extremes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashboard.metrics.parts import END, Ask, Piece
from dashboard.metrics.reading import Curve, read
from dashboard.runs.models import Attempt
from tests.cast import Cast
from tests.metrics.store import Book, open_book, some_points

pytestmark = pytest.mark.django_db
SIZES = st.lists(st.one_of(st.integers(1, 8), st.integers(1, 6000), st.integers(1, 40_000)), min_size=1, max_size=40)
QUIET = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
numbers = itertools.count()


@pytest.fixture
def book(cast: Cast) -> Book:
    return open_book(cast)


def check(curve: Curve, steps: np.ndarray, values: np.ndarray, max_points: int) -> None:
    """The curve is of exactly these points, in this order."""
    assert curve.num_points == len(steps)
    assert curve.buckets == (len(steps) > max_points)
    assert len(curve.step) <= max_points
    assert curve.num_not_finite == (~np.isfinite(values)).sum()
    if curve.buckets:
        check_buckets(curve, steps, values)
    else:
        assert curve.step.tolist() == steps.tolist()
        assert np.array_equal(curve.value, values, equal_nan=True)


def check_buckets(curve: Curve, steps: np.ndarray, values: np.ndarray) -> None:
    ends = np.cumsum(curve.size)
    starts = ends - curve.size
    finite = np.isfinite(values)
    clean = np.where(finite, values, np.nan)
    assert curve.step.tolist() == steps[ends - 1].tolist()
    assert np.array_equal(curve.minimum, np.fmin.reduceat(clean, starts), equal_nan=True)
    assert np.array_equal(curve.maximum, np.fmax.reduceat(clean, starts), equal_nan=True)
    assert curve.not_finite.tolist() == np.add.reduceat(~finite, starts).tolist()
    counts = np.add.reduceat(finite, starts)
    means = np.add.reduceat(np.where(finite, values, 0.0) / np.repeat(np.maximum(counts, 1), curve.size), starts)
    assert np.array_equal(np.isnan(curve.value), counts == 0)
    scale = np.maximum.reduceat(np.where(finite, np.abs(values), 0.0), starts)
    assert (np.abs(curve.value - means)[counts > 0] <= 1e-9 * scale[counts > 0]).all()


@settings(max_examples=25, **QUIET)
@given(sizes=SIZES, seed=st.integers(0, 2**32 - 1), gap=st.sampled_from([1, 1, 7]), max_points=st.integers(2, 3000), data=st.data())
def test_any_window_of_any_series_is_read_exactly(
    book: Book, sizes: list[int], seed: int, gap: int, max_points: int, data: st.DataObject
) -> None:
    metric = f"metric {next(numbers)}"
    steps, values = some_points(sum(sizes), seed, gap)
    book.write(metric, sizes, steps, values)
    last = int(steps[-1])
    windows = [(0, END), *(sorted((data.draw(st.integers(0, last + 5)), data.draw(st.integers(0, last + 5)))) for _ in range(8))]
    for low, high in windows:
        kept = (steps >= low) & (steps <= high)
        curve = read([Ask(book.run, Piece(metric, None, low, high), 1)], max_points)[0]
        check(curve, steps[kept], values[kept], max_points)


@settings(max_examples=12, **QUIET)
@given(
    lengths=st.lists(st.integers(1, 30_000), min_size=2, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    max_points=st.integers(10, 2000),
    data=st.data(),
)
@example(lengths=[20_000, 20_000], seed=0, max_points=100, data=None)
def test_a_later_attempt_takes_over_where_it_begins(
    book: Book, lengths: list[int], seed: int, max_points: int, data: st.DataObject | None
) -> None:
    metric, kept_steps, kept_values = f"metric {next(numbers)}", np.empty(0, int), np.empty(0)
    Attempt.objects.filter(job=book.attempt.job).exclude(pk=book.attempt.pk).delete()
    whole = []
    for number, length in enumerate(lengths):
        begins = 1 if not number else int(len(kept_steps) * (data.draw(st.floats(0, 1)) if data else 0.7)) + 1
        attempt = book.attempt if not number else another(book.attempt, number + 1, begins)
        steps, values = np.arange(begins, begins + length), some_points(length, seed + number)[1]
        Book(attempt).write(metric, [length // 2, length - length // 2], steps, values)
        kept = kept_steps < begins
        kept_steps, kept_values = np.append(kept_steps[kept], steps), np.append(kept_values[kept], values)
        whole.append((steps, values))
    check(read([Ask(book.run, Piece(metric), 1)], max_points)[0], kept_steps, kept_values, max_points)
    curve = read([Ask(book.run, Piece(metric), 1)], max_points)[0]
    assert (np.diff(curve.part) >= 0).all()
    for number, (steps, values) in enumerate(whole, 1):
        check(read([Ask(book.run, Piece(metric, number), 1)], max_points)[0], steps, values, max_points)


def another(first: Attempt, number: int, first_step: int) -> Attempt:
    return Attempt.objects.create(job=first.job, number=number, first_step=first_step, lease_until=Now(), started_at=Now())


def test_the_number_of_queries_does_not_depend_on_the_number_of_series(book: Book) -> None:
    for number in range(12):
        book.write(f"m/{number}", [3000, 7, 9000 + number], *some_points(12_007 + number, number))
    read([Ask(book.run, Piece("m/0"), 1)], 100)
    for low, high in ((0, END), (17, 9000)):
        found = []
        for metrics in (1, 12):
            with CaptureQueriesContext(connection) as queries:
                read([Ask(book.run, Piece(f"m/{number}", None, low, high), 1) for number in range(metrics)], 100)
            found.append(len(queries))
        assert found[0] == found[1] <= 5


def test_a_long_series_is_read_in_few_rows(book: Book) -> None:
    steps, values = some_points(1_000_000, 3)
    book.write("long", [400_000, 600_000], steps, values)
    for low, high in ((0, END), (123_456, 234_567), (500_000, 501_000), (1_000_100, END)):
        with CaptureQueriesContext(connection) as queries:
            curve = read([Ask(book.run, Piece("long", None, low, high), 1)], 1000)[0]
        kept = (steps >= low) & (steps <= high)
        check(curve, steps[kept], values[kept], 1000)
        rows = [query["sql"] for query in queries if '"data"' in query["sql"]]
        assert len(rows) <= 1
