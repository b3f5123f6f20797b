"""Jobs beside the run's own work: they are done by the same workers, and how they go changes nothing about the run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dashboard.live.messages import Update
from dashboard.runs import lifecycle
from dashboard.runs.deletion import delete
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Attempt, Evaluation, Job, Run
from tests.cast import Cast
from tests.pages.working import claim
from tests.runs.finished import finish_stages, tiny
from trainer import config

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(cast: Cast) -> Run:
    return finish_stages(cast.submit("done", tiny()))


@pytest.fixture
def asked(run: Run, cast: Cast) -> Job:
    return ask(run, cast)


def ask(run: Run, cast: Cast) -> Job:
    return lifecycle.ask(run, Evaluation, cast.alice, of_stage=run.stages.last(), split="test")


def status(thing: Run | Job) -> str:
    thing.refresh_from_db()
    return thing.status


def test_the_evaluation_waits_until_every_stage_is_trained(cast: Cast) -> None:
    run = cast.submit("run", tiny(evaluate=True))
    job = Evaluation.objects.get(run=run)
    assert (job.status, job.aside, job.of_stage) == ("waiting", True, run.stages.last())
    finish_stages(run, 2)
    assert status(job) == "waiting"
    finish_stages(run, 1)
    assert (status(job), status(run)) == ("queued", "completed")
    lease = claim()
    assert (lease.job_id, lease.kind) == (job.pk, "evaluation")
    assert status(run) == "completed"
    lifecycle.finish(lease)
    assert (status(job), status(run)) == ("completed", "completed")


def test_an_evaluation_comes_before_the_quantization_that_became_due_with_it(cast: Cast) -> None:
    finish_stages(cast.submit("both", tiny(evaluate=True, quantization=config.Quantization())))
    assert [claim().kind, claim().kind] == ["evaluation", "quantization"]


@pytest.mark.parametrize("retryable", [True, False])
def test_one_that_fails_leaves_the_run_complete(run: Run, asked: Job, retryable: bool) -> None:
    lifecycle.fail(claim(), "no luck", retryable=retryable)
    assert (status(asked), status(run)) == ("queued" if retryable else "failed", "completed")


def test_one_whose_worker_is_lost_is_done_again(run: Run, asked: Job) -> None:
    lease = claim()
    Attempt.objects.filter(pk=lease.attempt_id).update(lease_until=Now() - timedelta(seconds=1))
    assert lifecycle.expire() == 1
    assert (status(asked), status(run)) == ("queued", "completed")


def test_one_is_stopped_without_the_run(run: Run, asked: Job, cast: Cast) -> None:
    lease = claim()
    lifecycle.stop_aside(asked, cast.alice)
    assert (status(asked), status(run)) == ("stopping", "completed")
    lifecycle.stopped(lease)
    assert (status(asked), status(run)) == ("stopped", "completed")
    with pytest.raises(WrongState, match=r"Evaluation is stopped: there is nothing to stop\."):
        lifecycle.stop_aside(asked, cast.alice)


def test_a_run_is_stopped_without_it(cast: Cast) -> None:
    run = finish_stages(cast.submit("run", tiny()), 1)
    job = lifecycle.ask(run, Evaluation, cast.alice, of_stage=run.stages.first(), split="test")
    lifecycle.request_stop(run, cast.alice)
    assert (status(job), status(run)) == ("queued", "stopped")


def test_a_run_is_not_deleted_under_one_that_runs(run: Run, asked: Job) -> None:
    lease = claim()
    with pytest.raises(WrongState, match=r"done is not at rest: evaluation is running\."):
        delete(run)
    lifecycle.finish(lease)
    delete(run)
    assert not Run.objects.exists()


def test_what_waits_goes_with_its_run(run: Run, asked: Job, cast: Cast) -> None:
    delete(run)
    assert not Job.objects.exists()


def test_nothing_is_asked_of_a_run_that_is_being_deleted(run: Run, cast: Cast) -> None:
    Run.objects.update(deleted_at=Now())
    with pytest.raises(WrongState, match=r"done is being deleted\."):
        ask(run, cast)


def test_whoever_watches_is_told(run: Run, asked: Job, published: list[Update]) -> None:
    lease = claim()
    assert [(each["kind"], each["status"]) for each in published[-1].asides] == [("evaluation", "running")]
    lifecycle.finish(lease)
    assert [each["status"] for each in published[-1].asides] == ["completed"]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Update]:
    found: list[Update] = []
    monkeypatch.setattr(lifecycle, "publish", lambda update, _: found.append(update))
    monkeypatch.setattr(lifecycle.transaction, "on_commit", lambda call: call())
    return found
