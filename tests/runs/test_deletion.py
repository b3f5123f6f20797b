"""A deleted run leaves nothing: no row, no file, no stream; and nobody loses what another run trained."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client

from dashboard.live import guard
from dashboard.live.overview import overview
from dashboard.metrics.models import Chunk, Series
from dashboard.runs import deletion, lifecycle
from dashboard.runs.models import Attempt, Event, Job, LogChunk, Run
from tests.cast import Cast
from tests.metrics.store import Book, some_points
from tests.pages.working import claim, train
from tests.processes import ROOT
from tests.runs.finished import finish_stages, tiny, with_last_stage
from workers import retention

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(cast: Cast) -> Run:
    """Finished, with points on several levels, a log and files."""
    run = finish_stages(cast.submit("first", tiny()))
    attempt = Attempt.objects.select_related("job__run").filter(job__run=run).first()
    assert attempt
    Book(attempt).flush("long", *some_points(70_000, 0))
    Event.objects.create(run=run, attempt=attempt, cursor=1, kind="saved", at=Now())
    LogChunk.objects.create(attempt=attempt, cursor=1, text="a line\n")
    return run


def test_nothing_of_it_is_left(alice: Client, run: Run) -> None:
    assert run.folder.is_dir()
    assert alice.delete(f"/api/v1/runs/{run.pk}").status_code == 204
    for model in (Run, Job, Attempt, Series, Chunk, Event, LogChunk):
        assert not model._default_manager.exists(), model
    assert not run.folder.exists()
    assert alice.get(f"/api/v1/runs/{run.pk}").status_code == 404


def test_its_stream_goes_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[str] = []

    class Server:
        def delete(self, key: str) -> None:
            deleted.append(key)

    monkeypatch.setattr(deletion, "client", Server)
    deletion.delete(run)
    assert deleted == [f"anneal:run:{run.pk}"]


def test_the_page_leads_back_to_the_list(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.pk}/delete/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/runs/")
    assert not Run.objects.exists()


def test_a_run_that_has_not_ended_stays(alice: Client, cast: Cast) -> None:
    run = cast.submit()
    train(claim(), {1: 2.0})
    answer = alice.delete(f"/api/v1/runs/{run.pk}")
    assert answer.status_code == 409
    assert "only a run that has ended" in answer.json()["detail"]
    assert alice.post(f"/runs/{run.pk}/delete/").status_code == 409
    assert Chunk.objects.exists()


def test_a_run_whose_stages_another_one_shows_stays_and_the_other_is_named(alice: Client, cast: Cast, run: Run) -> None:
    second = finish_stages(cast.submit("second", with_last_stage(tiny(), seed=5)), 1)
    answer = alice.delete(f"/api/v1/runs/{run.pk}")
    assert answer.status_code == 409
    assert "#2 second" in answer.json()["detail"]
    assert alice.delete(f"/api/v1/runs/{second.pk}").status_code == 204
    assert alice.delete(f"/api/v1/runs/{run.pk}").status_code == 204


def test_nobody_takes_over_or_resumes_what_is_being_deleted(cast: Cast, run: Run) -> None:
    taken = list(run.stages)
    deletion.hide(run)
    assert cast.submit("second", tiny()).stages[0].reused_from is None
    with pytest.raises(lifecycle.WrongState, match="is being deleted"):
        lifecycle.submit(cast.project, cast.alice, "fork", tiny(), taken=taken[:1], forked_from=run, forked_stage=2)
    Job.objects.filter(run=run).update(status="stopped")
    with pytest.raises(lifecycle.WrongState):
        lifecycle.resume(run, cast.alice)


def test_who_watches_sees_it_no_more_while_its_rows_go(cast: Cast, run: Run) -> None:
    async def close(code: int) -> None:
        raise AssertionError(code)

    Run.objects.filter(pk=run.pk).update(ended_at=Now())
    seat = guard.Seat(cast.bob.pk, None, cast.bob.get_session_auth_hash(), run.pk, close)
    assert (guard.refusals([seat]), set(overview([cast.project.pk]))) == ({}, {run.pk})
    deletion.hide(run)
    assert (guard.refusals([seat]), overview([cast.project.pk])) == ({seat: guard.NOT_FOUND}, {})


def test_what_was_cut_short_is_hidden_and_taken_up_again(alice: Client, run: Run) -> None:
    deletion.hide(run)
    assert next(deletion.remove(run)) > 0
    assert alice.get(f"/runs/{run.pk}/").status_code == 404
    assert "first" not in alice.get("/runs/").content.decode()
    retention.prune(threading.Event())
    assert not Run.objects.exists()


def test_of_two_who_delete_the_same_run_one_does(cast: Cast, run: Run) -> None:
    """Both have listed it; the other one is done before this one begins."""
    other = Run.objects.get(pk=run.pk)
    assert deletion.hide(other)
    assert not deletion.hide(run)
    list(deletion.remove(other))
    assert not retention.may_go(run)
    deletion.delete(run)


def test_prune_goes_on_past_a_run_that_a_worker_deleted_meanwhile(cast: Cast, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Run.objects.filter(pk=run.pk).update(ended_at=Now() - timedelta(days=30))
    listed = deletion.outlived(29)
    deletion.delete(run)
    monkeypatch.setattr("dashboard.management.commands.prune.outlived", lambda *_: listed)
    assert "#1 first was deleted meanwhile" in prune(days=29)


def test_a_fault_does_not_end_the_workers_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, looks = threading.Event(), []

    def look(ended: threading.Event) -> None:
        looks.append(ended)
        if len(looks) == 2:
            ended.set()
        raise RuntimeError("a fault")

    monkeypatch.setattr(retention, "EVERY_S", 0.001)
    monkeypatch.setattr(retention, "prune", look)
    monkeypatch.setattr(retention.connection, "close", lambda: None)
    retention.keep_pruning(ended)
    assert len(looks) == 2


def test_a_run_goes_in_pieces(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "PIECE", 5)
    deletion.hide(run)
    num_rows = Chunk.objects.count() + Series.objects.count() + LogChunk.objects.count() + Event.objects.count()
    pieces = list(deletion.remove(run))
    assert max(pieces) == 5
    assert sum(pieces) == num_rows


def prune(**options: object) -> str:
    out = StringIO()
    call_command("prune", stdout=out, **options)
    return out.getvalue()


def test_prune_deletes_by_age_and_says_so(cast: Cast, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(ended_at=Now() - timedelta(days=30))
    young = cast.submit("young", tiny())
    assert "#1 first would be deleted" in prune(days=29, dry_run=True)
    assert prune(days=31) == ""
    assert Run.objects.count() == 2
    Run.objects.filter(pk=young.pk).delete()
    assert "#1 first is deleted" in prune(days=29)
    assert not Run.objects.exists()


@pytest.mark.parametrize("days", [-1, 36_501, 10**12])
def test_prune_refuses_an_age_that_is_none(run: Run, days: int) -> None:
    with pytest.raises(CommandError, match="a number of days from 0 to 36500"):
        prune(days=days)
    assert Run.objects.exists()


def test_workers_refuse_an_age_that_is_none() -> None:
    """Every run that has ended did so before tomorrow."""
    asked = {**os.environ, "ANNEAL_RETENTION_DAYS": "-1"}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ANNEAL_RETENTION_DAYS: a number of days from 0" in done.stderr


def test_prune_keeps_what_a_younger_run_shows(cast: Cast, run: Run) -> None:
    cast.submit("second", with_last_stage(tiny(), seed=5))
    Run.objects.filter(pk=run.pk).update(ended_at=Now() - timedelta(days=30))
    assert "is kept" in prune(days=29)
    assert Run.objects.count() == 2


def test_workers_prune_where_the_settings_say_so(run: Run, settings) -> None:
    Run.objects.filter(pk=run.pk).update(ended_at=Now() - timedelta(days=30))
    retention.prune(threading.Event())
    assert Run.objects.exists()
    settings.RETENTION_DAYS = 29
    retention.prune(threading.Event())
    assert not Run.objects.exists()
