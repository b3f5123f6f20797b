"""`GET /runs/{id}/series` and `GET /series`: shapes, windows, binary, what is not sent twice, and what is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.api.shapes import ManySeriesOut, SeriesOut
from tests.cast import Cast
from tests.metrics.store import Book, open_book, some_points

pytestmark = pytest.mark.django_db
LOSS = "train/loss"
HEADER = struct.Struct("<4sBBHIIIIIIQQ")


@pytest.fixture
def book(cast: Cast) -> Book:
    book = open_book(cast)
    book.flush(LOSS, *some_points(5000, 1))
    book.flush("validation/loss", [100, 200], [2.0, 1.0])
    return book


def series(client: Client, book: Book, query: str = f"metric={LOSS}") -> dict[str, Any]:
    answer = client.get(f"/api/v1/runs/{book.run.pk}/series?{query}")
    assert answer.status_code == 200, answer.content
    SeriesOut.model_validate(answer.json())
    return answer.json()


def test_few_points_come_as_they_are_and_say_where_the_websocket_goes_on(alice: Client, book: Book) -> None:
    found = series(alice, book, "metric=validation/loss&stage=1")
    book.run.refresh_from_db()
    assert found == {
        "run": book.run.pk, "metric": "validation/loss", "stage": 1, "attempt": None, "num_points": 2, "num_not_finite": 0,
        "buckets": False, "step": [100, 200], "value": [2.0, 1.0], "cursor": book.run.cursor,
    }  # fmt: skip


def test_many_points_come_as_buckets_and_a_small_window_raw(alice: Client, book: Book) -> None:
    _, values = some_points(5000, 1)
    whole = series(alice, book, f"metric={LOSS}&max_points=100")
    assert (whole["num_points"], len(whole["step"]), whole["buckets"]) == (5000, 100, True)
    assert whole["num_not_finite"] == sum(whole["not_finite"]) == (~np.isfinite(values)).sum()
    assert max(each for each in whole["max"] if each != "nan") == values[np.isfinite(values)].max()
    part = series(alice, book, f"metric={LOSS}&max_points=100&from=1001&to=1100")
    assert (part["step"], part["buckets"]) == (list(range(1001, 1101)), False)


def test_what_is_no_number_travels_as_a_word(alice: Client, book: Book) -> None:
    book.flush("odd", [1, 2, 3, 4, 5], [float("nan"), float("inf"), float("-inf"), 1e300, 1e-300])
    assert series(alice, book, "metric=odd")["value"] == ["nan", "inf", "-inf", 1e300, 1e-300]


def test_a_metric_of_any_name_can_be_asked_for(alice: Client, book: Book) -> None:
    for name in ("a\0b", "🦜/λ", "x" * 1000, '"quoted"', "100%s", "line\nbreak", ""):
        book.flush(name, [1], [4.0])
        answer = alice.get(f"/api/v1/runs/{book.run.pk}/series", {"metric": name})
        assert answer.json()["value"] == [4.0]


@pytest.mark.parametrize("address", ["series?metric=a&run=", "series?metric=a&run=1&run=-", "runs?offset="])
def test_a_number_that_no_database_holds_is_refused(alice: Client, address: str) -> None:
    answer = alice.get(f"/api/v1/{address}{2**63}")
    assert (answer.status_code, answer.json()["errors"][0]["loc"][0]) == (422, "query")


def blocks(data: bytes) -> Iterator[dict[str, Any]]:
    """As a page reads them."""
    at = 0
    while at < len(data):
        names = ("magic", "version", "flags", "name", "block", "run", "stage", "attempt", "sent", "not_finite", "points", "cursor")
        block = dict(zip(names, HEADER.unpack_from(data, at), strict=True))
        place = at + HEADER.size
        block["metric"] = data[place : place + block["name"]].decode()
        place += -(-block["name"] // 8) * 8
        wide = ["value", *(["min", "max"] if block["flags"] & 1 else []), *(["x"] if block["flags"] & 2 else [])]
        small = ["step", *(["not_finite_in"] if block["flags"] & 4 else [])]
        for column, kind, size in [*((name, "<f8", 8) for name in wide), *((name, "<u4", 4) for name in small)]:
            block[column] = np.frombuffer(data, kind, block["sent"], place)
            place += -(-block["sent"] * size // 8) * 8
        assert place == at + block["block"]
        assert block["block"] % 8 == 0
        at = place
        yield block


def test_many_series_come_back_to_back_and_hold_what_json_holds(alice: Client, book: Book) -> None:
    book.flush("odd λ", [1, 2, 3], [1.0, float("nan"), 3.0])
    query = {"run": book.run.pk, "metric": [LOSS, "odd λ", "no/such"], "stage": [1, 2], "max_points": 101, "x": "run_step"}
    document = alice.get("/api/v1/series", query).json()
    ManySeriesOut.model_validate(document)
    packed = alice.get("/api/v1/series", query, headers={"accept": "application/octet-stream"})
    assert packed.headers["Content-Type"] == "application/octet-stream"
    found = list(blocks(packed.content))
    assert document["count"] == len(document["items"]) == len(found) == 6
    for item, block in zip(document["items"], found, strict=True):
        assert (block["magic"], block["version"], block["metric"], block["stage"]) == (b"ANNL", 2, item["metric"], item["stage"])
        assert (block["points"], block["not_finite"], block["cursor"]) == (item["num_points"], item["num_not_finite"], item["cursor"])
        assert block["step"].tolist() == item["step"]
        assert block["x"].tolist() == item["x"]
        for packed_name, name in (("value", "value"), ("min", "min"), ("max", "max")):
            if name in item:
                assert np.array_equal(block[packed_name], np.array(item[name], float), equal_nan=True)
        spoilt = any(item.get("not_finite", ()))
        assert block["flags"] == 2 + item["buckets"] + 4 * spoilt
        if spoilt:
            assert block["not_finite_in"].tolist() == item["not_finite"]


def test_nothing_is_sent_or_read_again_while_nothing_has_changed(alice: Client, book: Book) -> None:
    address = f"/api/v1/runs/{book.run.pk}/series?metric={LOSS}"
    first = alice.get(address)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    with CaptureQueriesContext(connection) as queries:
        again = alice.get(address, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert not any("metrics_" in query["sql"] for query in queries)
    assert alice.get(f"{address}&max_points=7", headers={"if-none-match": tag}).status_code == 200
    assert alice.get(address, headers={"if-none-match": tag, "accept": "application/octet-stream"}).status_code == 200
    book.flush(LOSS, [5001], [1.0])
    newer = alice.get(address, headers={"if-none-match": tag})
    assert (newer.status_code, newer.json()["num_points"]) == (200, 5001)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "metric"),
        (f"metric={LOSS}&max_points=1", "max_points"),
        (f"metric={LOSS}&from=-1", "from"),
        (f"metric={LOSS}&from=10&to=9", "to"),
        (f"metric={LOSS}&x=hours", "x"),
        (f"metric={LOSS}&stage=0", "stage"),
        (f"metric={LOSS}&attempt=1", "stage"),
        (f"metric={LOSS}&stage=1&attempt=x", "attempt"),
        (f"metric={'m' * 2001}", "metric"),
    ],
)
def test_what_is_wrong_with_a_question_for_one_series_is_named(alice: Client, book: Book, query: str, field: str) -> None:
    answer = alice.get(f"/api/v1/runs/{book.run.pk}/series?{query}")
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["loc"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"metric": LOSS}, "run"),
        ({"run": 1}, "metric"),
        ({"run": 1, "metric": LOSS, "stage": 13}, "stage"),
        ({"run": list(range(101)), "metric": LOSS}, "run"),
        ({"run": 1, "metric": [f"m{number}" for number in range(400)], "stage": list(range(1, 13))}, "metric"),
        ({"run": 1, "metric": [f"m{number}" for number in range(40)], "max_points": 100_000}, "max_points"),
        ({"run": 1, "metric": ["m" * 2001]}, "metric"),
    ],
)
def test_what_is_wrong_with_a_question_for_many_is_named(alice: Client, book: Book, query: dict[str, Any], field: str) -> None:
    answer = alice.get("/api/v1/series", query | ({"run": book.run.pk} if query.get("run") == 1 else {}))
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["loc"]


def test_runs_of_others_are_not_there(client: Client, cast: Cast, book: Book) -> None:
    client.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/series", {"run": book.run.pk, "metric": LOSS}).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_series(alice: Client, book: Book) -> None:
    for number in range(12):
        book.flush(f"m/{number}", *some_points(9000, number))
    found = []
    for metrics in (["m/0"], [f"m/{number}" for number in range(12)]):
        with CaptureQueriesContext(connection) as queries:
            alice.get("/api/v1/series", {"run": book.run.pk, "metric": metrics, "x": "wall", "from": 10, "to": 8000})
        found.append(len(queries))
    assert found[0] == found[1]
