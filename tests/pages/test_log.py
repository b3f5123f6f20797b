"""The log of a run: the newest part on the page, the rest by cursor, all of it as a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.runs import lifecycle, log
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.pages.working import claim, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Twenty lines, each of a transaction of its own; a part holds about three."""
    monkeypatch.setattr(log, "PART_CHARACTERS", 20)
    run = cast.submit()
    lease = claim()
    for step in range(1, 21):
        train(lease, {step: 1.0}, log=f"line {step:02}\n")
    return run


def ask(client: Client, run: Run, query: str) -> dict[str, Any]:
    answer = client.get(f"/runs/{run.pk}/log/?{query}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def text_of(part: dict[str, Any]) -> str:
    return "".join(each["text"] for each in part["parts"])


WHOLE = "".join(f"line {step:02}\n" for step in range(1, 21))


def test_paging_backwards_gives_every_line_once(alice: Client, run: Run) -> None:
    part = ask(alice, run, "")
    assert text_of(part) == "line 18\nline 19\nline 20\n"
    read = text_of(part)
    while part["before"] is not None:
        part = ask(alice, run, f"before={part['before']}")
        read = text_of(part) + read
    assert read == WHOLE


def test_paging_forwards_gives_what_is_missing_after_a_cursor(alice: Client, run: Run) -> None:
    part = ask(alice, run, "after=0")
    read = text_of(part)
    while not part["is_whole"]:
        part = ask(alice, run, f"after={part['after']}")
        read += text_of(part)
    run.refresh_from_db()
    assert (read, part["after"]) == (WHOLE, run.cursor)
    assert ask(alice, run, f"after={run.cursor}")["parts"] == []


def test_the_first_part_ends_where_the_messages_begin(alice: Client, run: Run) -> None:
    read = Run.objects.get(pk=run.pk)
    train_more = lifecycle.Lease(run.pk, run.jobs.all()[0].pk, run.jobs.all()[0].attempts.get().pk, 1, "stage")
    train(train_more, {21: 1.0}, log="after the page was read\n")
    assert "after the page" not in text_of(log.newest_part(read))


@pytest.mark.parametrize("query", ["before=x", "before=-1", "after=", "before=99999999999999999999"])
def test_what_is_no_cursor_is_refused(alice: Client, run: Run, query: str) -> None:
    assert alice.get(f"/runs/{run.pk}/log/?{query}").status_code == 400


def test_all_of_it_downloads_attempt_by_attempt(alice: Client, run: Run) -> None:
    answer = alice.get(f"/runs/{run.pk}/log/?format=text")
    assert answer["Content-Disposition"] == 'attachment; filename="run-1.log"'
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode() == f"=== stage 1, attempt 1 ===\n{WHOLE}"


def test_a_part_is_two_queries_however_many_attempts_wrote_it(alice: Client, run: Run, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):
        ask(alice, run, "before=1000")
