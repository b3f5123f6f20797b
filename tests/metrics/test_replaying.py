"""What a watcher lacks is counted before it is read back: a page of updates has a bounded size, compacted rows or not."""

from __future__ import annotations

import pytest
from django.db import transaction

from dashboard.live import replay
from dashboard.live.messages import Update
from dashboard.metrics.models import Chunk
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.metrics.store import Book, open_book

pytestmark = pytest.mark.django_db
NUM_METRICS, NUM_FLUSHES, SIZE = 12, 30, 20
PER_FLUSH = NUM_METRICS * SIZE


@pytest.fixture
def book(cast: Cast) -> Book:
    """Each of many metrics ends in one row that all transactions have written together."""
    book = open_book(cast)
    for number in range(NUM_FLUSHES):
        with transaction.atomic():
            run = Run.objects.get(pk=book.run.pk)
            run.cursor += 1
            run.save(update_fields=["cursor"])
            steps = range(number * SIZE + 1, (number + 1) * SIZE + 1)
            book.writer.write(Update(run.pk, run.cursor), {f"m/{each}": (steps, [0.5] * SIZE) for each in range(NUM_METRICS)})
        book.writer.settle()
    book.writer.finish()
    assert Chunk.objects.count() == NUM_METRICS
    return book


@pytest.mark.parametrize(("first", "last"), [(1, NUM_FLUSHES), (1, 3), (10, 20), (NUM_FLUSHES, NUM_FLUSHES)])
def test_points_of_rows_that_many_transactions_wrote_are_counted_in_proportion(book: Book, first: int, last: int) -> None:
    begun = Run.objects.get(pk=book.run.pk).cursor - NUM_FLUSHES
    assert replay.num_points_between(book.run.pk, begun + first - 1, begun + last) == (last - first + 1) * PER_FLUSH


def test_a_page_of_updates_has_no_more_points_than_were_asked_for(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PAGE_POINTS", 5 * PER_FLUSH)
    newest = Run.objects.get(pk=book.run.pk).cursor
    after, total = 0, 0
    while after < newest:
        page = replay.updates_after(book.run.pk, after)
        assert [update.cursor for update in page] == list(range(after + 1, after + len(page) + 1))
        assert sum(update.num_points for update in page) <= replay.PAGE_POINTS
        after, total = page[-1].cursor, total + sum(update.num_points for update in page)
    assert total == NUM_FLUSHES * PER_FLUSH
