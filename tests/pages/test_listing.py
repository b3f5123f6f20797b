"""The list of runs: what a row shows, search, state, paging, and what it costs."""

from __future__ import annotations

import math

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.metrics.sparklines import drawn, sparklines
from dashboard.runs import lifecycle
from dashboard.runs.listing import PAGE_SIZE
from dashboard.runs.models import Attempt, Run, Stage, Status
from dashboard.runs.rows import rows, strips
from tests.cast import Cast
from tests.pages.working import claim, complete, train

pytestmark = pytest.mark.django_db
ENDS = ({"validation/loss": 1.0}, {"validation/loss": 0.8}, {"test/accuracy": 0.7})
VALIDATED = {"step": 2, "split": "validation", "metrics": {"validation/accuracy": 0.7261}}


def table(client: Client, query: str = "") -> str:
    answer = client.get(f"/runs/{query}", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_row_shows_state_strip_loss_and_accuracy(alice: Client, cast: Cast) -> None:
    cast.submit("steady-kestrel")
    train(claim(), {1: 2.0, 2: 0.59361}, evaluated=VALIDATED)
    text = table(alice)
    assert "Running" in text
    assert "0.5936" in text
    assert "72.61" in text
    assert 'data-stage="1"' in text


def test_a_run_that_took_everything_over_shows_what_it_took(alice: Client, cast: Cast) -> None:
    run = cast.submit("steady-kestrel")
    Stage.objects.filter(run=run).update(status=Status.REUSED, results={"validation/accuracy": 0.7261})
    assert "72.61" in table(alice)


def test_a_loss_that_is_not_a_number_is_written_out(alice: Client, cast: Cast) -> None:
    cast.submit()
    train(claim(), {1: 2.0, 2: math.nan})
    assert ">nan<" in table(alice)


def test_every_word_must_be_found_somewhere(alice: Client, cast: Cast) -> None:
    cast.submit("steady-kestrel")
    cast.submit("calm-juniper")
    assert "calm-juniper" not in table(alice, "?q=steady")
    assert "steady-kestrel" in table(alice, "?q=kestrel+alice")
    assert "No run fits" in table(alice, "?q=kestrel+juniper")
    assert "calm-juniper" in table(alice, "?q=%232")


def test_a_state_filters_and_an_unknown_one_does_not(alice: Client, cast: Cast) -> None:
    complete(cast.submit("steady-kestrel"), *ENDS)
    lifecycle.finish(claim())
    cast.submit("calm-juniper")
    assert "calm-juniper" not in table(alice, "?status=completed")
    assert "steady-kestrel" in table(alice, "?status=completed")
    assert "calm-juniper" in table(alice, "?status=nonsense")


def test_the_address_holds_search_and_state(alice: Client, cast: Cast) -> None:
    cast.submit("steady-kestrel")
    text = alice.get("/runs/?q=steady&status=queued").content.decode()
    assert 'value="steady"' in text
    assert '<option value="queued" selected>' in text


def test_pages_keep_the_search(alice: Client, cast: Cast) -> None:
    for number in range(PAGE_SIZE + 1):
        cast.submit(f"calm-juniper-{number}")
    first = table(alice, "?q=juniper")
    assert "?q=juniper&amp;page=2" in first
    assert "calm-juniper-0<" not in first
    assert "calm-juniper-0<" in table(alice, "?q=juniper&page=2")
    assert "calm-juniper-0<" in table(alice, "?q=juniper&page=999")


def test_runs_of_other_projects_are_not_there(client: Client, cast: Cast) -> None:
    cast.submit("secret-run")
    client.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
    assert "secret-run" not in table(client)
    assert "No run fits" in table(client, "?q=secret")


def test_names_are_escaped(alice: Client, cast: Cast) -> None:
    cast.submit("<script>alert(1)</script>")
    assert "<script>alert" not in alice.get("/runs/").content.decode()


def num_queries(client: Client, path: str) -> int:
    """With no sparkline drawn before."""
    drawn.kept.clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", ["/runs/", "/", "/queue/", "/workers/"])
def test_the_number_of_queries_does_not_grow_with_the_rows(alice: Client, cast: Cast, path: str) -> None:
    for number in range(6):
        train_one(cast, f"few-{number}")
    num_queries(alice, path)
    few = num_queries(alice, path)
    for number in range(8):
        train_one(cast, f"more-{number}")
    assert num_queries(alice, path) <= few


def train_one(cast: Cast, name: str) -> Run:
    """A run with two attempts, points and a validation, under way; and one that waits."""
    run = cast.submit(name)
    lease = claim()
    train(lease, {1: 2.0, 2: 1.5}, evaluated=VALIDATED)
    lifecycle.release(lease)
    train(claim(), {2: 1.4, 3: 1.2}, evaluated=VALIDATED)
    return run


def test_a_sparkline_leaves_out_what_a_later_attempt_made_again(cast: Cast) -> None:
    run = cast.submit()
    lease = claim()
    train(lease, {1: 2.0, 2: 1.5, 3: 9.0})
    lifecycle.release(lease)
    again = claim()
    train(again, {3: 1.2, 4: 1.0})
    Attempt.objects.filter(pk=again.attempt_id).update(first_step=3)
    spark = sparklines(strips([run]))[run.pk]
    assert spark.high == pytest.approx(math.log(2.0))
    assert spark.low == pytest.approx(math.log(1.0))
    assert len(spark.lines[0].points.split()) == 4


def test_a_sparkline_lies_on_the_steps_of_the_whole_run(cast: Cast) -> None:
    run = cast.submit()
    total = sum(stage.num_steps for stage in run.stages)
    train(claim(), {1: 2.0, 20: 1.0})
    spark = sparklines(strips([run]))[run.pk]
    assert spark.lines[0].points.split()[-1] == f"{100 * 20 / total:.1f},22.0"


def test_runs_without_a_loss_have_no_sparkline(cast: Cast) -> None:
    run = cast.submit()
    assert sparklines(strips([run])) == {}
    train(claim(), {1: math.nan})
    assert sparklines(strips([run])) == {}


def test_a_sparkline_is_drawn_anew_when_its_run_moves_on(cast: Cast) -> None:
    run = cast.submit()
    lease = claim()
    train(lease, {1: 2.0, 2: 1.5})
    run.refresh_from_db()
    before = rows([run])[0].spark
    assert before is not None
    assert rows([run])[0].spark is before
    train(lease, {3: 1.2})
    run.refresh_from_db()
    after = rows([run])[0].spark
    assert after is not None
    assert after.low == pytest.approx(math.log(1.2))
