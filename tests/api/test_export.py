"""`GET /runs/{id}/export`: every point of every attempt, streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client
from pyarrow import parquet

from dashboard.metrics.names import WALL
from tests.cast import Cast
from tests.metrics.store import Book, open_book, some_points
from tests.metrics.test_reading import another

pytestmark = pytest.mark.django_db
LOSS, FORMULA = "train/loss", "=HYPERLINK(1)"
NUM_POINTS = 70_000


@pytest.fixture
def book(cast: Cast) -> Book:
    """Two attempts, of which the second begins at step 100, and more points than one piece of the stream."""
    book = open_book(cast)
    steps, values = some_points(NUM_POINTS, 1)
    book.flush(LOSS, steps, values)
    book.flush(WALL, steps, 1000.0 + steps)
    book.flush(FORMULA, [5], [-1.5])
    Book(another(book.attempt, 2, 100)).flush(LOSS, [100, 101], [7.0, float("inf")])
    return book


def address(book: Book, query: str) -> str:
    return f"/api/v1/runs/{book.run.pk}/export?{query}"


def body(answer) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_csv_has_every_point_of_every_attempt(alice: Client, book: Book) -> None:
    answer = alice.get(address(book, "format=csv"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="run-1.csv"'
    rows = list(csv.DictReader(io.StringIO(body(answer).decode())))
    steps, values = some_points(NUM_POINTS, 1)
    own = [row for row in rows if row["metric"] == LOSS and row["attempt"] == "1"]
    assert [int(row["step"]) for row in own] == steps.tolist()
    assert np.array_equal([float(row["value"]) for row in own], values, equal_nan=True)
    assert [row["superseded"] for row in own] == ["true" if step >= 100 else "false" for step in steps]
    assert [float(row["at"]) for row in own[:3]] == [1001.0, 1002.0, 1003.0]
    assert [(row["step"], row["value"], row["superseded"], row["at"]) for row in rows if row["attempt"] == "2"] == [
        ("100", "7.0", "false", "nan"),
        ("101", "inf", "false", "nan"),
    ]


def test_a_cell_that_looks_like_a_formula_is_none(alice: Client, book: Book) -> None:
    for place, name in enumerate(("+1", "-1", "@a", "\tb", "\rc", 'a "b", c\nd')):
        book.flush(name, [place], [0.0])
    text = body(alice.get(address(book, "format=csv"))).decode()
    names = {row["metric"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert {f"'{FORMULA}", "'+1", "'-1", "'@a", "'\tb", "'\rc", 'a "b", c\nd'} <= names


def test_parquet_has_the_same_with_types(alice: Client, book: Book) -> None:
    table = parquet.read_table(io.BytesIO(body(alice.get(address(book, f"format=parquet&metric={LOSS}")))))
    assert table.column_names == ["stage", "attempt", "superseded", "metric", "step", "run_step", "at", "value"]
    steps, values = some_points(NUM_POINTS, 1)
    assert table["step"].to_pylist() == [*steps.tolist(), 100, 101]
    assert np.array_equal(table["value"].to_numpy(), [*values, 7.0, np.inf], equal_nan=True)
    assert set(table["metric"].to_pylist()) == {LOSS}


def test_a_run_without_points_is_a_file_without_rows(alice: Client, cast: Cast) -> None:
    run = cast.submit()
    assert body(alice.get(f"/api/v1/runs/{run.pk}/export")) == b"stage,attempt,superseded,metric,step,run_step,at,value\n"
    assert parquet.read_table(io.BytesIO(body(alice.get(f"/api/v1/runs/{run.pk}/export?format=parquet")))).num_rows == 0


@pytest.mark.parametrize(("query", "field"), [("format=xlsx", "format"), ("metric=no/such", "metric")])
def test_what_cannot_be_exported_is_named(alice: Client, book: Book, query: str, field: str) -> None:
    answer = alice.get(address(book, query))
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["loc"]


@pytest.mark.django_db(transaction=True)
async def test_it_streams_from_the_server_that_pages_are_served_by(async_client: AsyncClient, book: Book, cast: Cast) -> None:
    await async_client.aforce_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    answer = await async_client.get(address(book, f"metric={LOSS}"))
    pieces = [piece async for piece in answer.streaming_content]
    assert len(pieces) > 3
    assert b"".join(pieces).count(b"\n") == 1 + NUM_POINTS + 2
    await sync_to_async(connections.close_all)()
