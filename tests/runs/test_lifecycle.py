"""States of runs and jobs: who wins a claim, what a lost lease costs, when a stage gives up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease, LeaseLost, WrongState
from dashboard.runs.models import Attempt, Job, Run, Status
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(db) -> Worker:
    return Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now())


@pytest.fixture
def run(cast: Cast) -> Run:
    return cast.submit()


def claim(worker: Worker) -> Lease:
    lease = lifecycle.claim(worker)
    assert lease is not None
    return lease


def let_lease_run_out(lease: Lease) -> None:
    Attempt.objects.filter(pk=lease.attempt_id).update(lease_until=Now() - timedelta(seconds=1))


def statuses(run: Run) -> list[str]:
    return list(Job.objects.filter(run=run).values_list("status", flat=True))


def test_a_submitted_run_queues_its_first_job_and_the_others_wait(run: Run) -> None:
    assert run.status == Status.QUEUED
    assert statuses(run) == ["queued", "waiting", "waiting", "waiting"]


def test_numbers_count_up_within_a_project(cast: Cast) -> None:
    assert [cast.submit().number, cast.submit().number] == [1, 2]


def test_a_job_is_claimed_once(run: Run, worker: Worker) -> None:
    lease = claim(worker)
    assert (lease.run_id, lease.token, lease.kind) == (run.pk, 1, "stage")
    assert lifecycle.claim(worker) is None
    assert lifecycle.take(lease.job_id, run.pk, worker) is None


def test_the_job_queued_longest_is_claimed_first(cast: Cast, worker: Worker) -> None:
    first, second = cast.submit("first"), cast.submit("second")
    assert [claim(worker).run_id, claim(worker).run_id] == [first.pk, second.pk]


def test_finishing_every_job_completes_the_run(run: Run, worker: Worker) -> None:
    kinds = []
    while lease := lifecycle.claim(worker):
        kinds.append(lease.kind)
        lifecycle.finish(lease)
    run.refresh_from_db()
    assert kinds == ["stage", "stage", "stage", "quantization"]
    assert run.status == Status.COMPLETED
    assert run.ended_at is not None


def test_an_expired_lease_gives_the_job_to_another_worker_and_fences_the_first(run: Run, worker: Worker) -> None:
    zombie = claim(worker)
    let_lease_run_out(zombie)
    assert lifecycle.expire() == 1
    run.refresh_from_db()
    assert run.status == Status.LOST
    assert claim(worker).token == 2
    with pytest.raises(LeaseLost), lifecycle.recording(zombie):
        pytest.fail("a zombie must not write")
    assert Attempt.objects.get(pk=zombie.attempt_id).outcome == "lost"


def test_a_refused_write_leaves_no_trace(run: Run, worker: Worker) -> None:
    zombie = claim(worker)
    let_lease_run_out(zombie)
    lifecycle.expire()
    cursor = Run.objects.get(pk=run.pk).cursor
    with pytest.raises(LeaseLost):
        lifecycle.finish(zombie)
    assert Run.objects.get(pk=run.pk).cursor == cursor


def test_a_lease_renewed_in_time_does_not_expire(run: Run, worker: Worker) -> None:
    lease = claim(worker)
    let_lease_run_out(lease)
    lifecycle.renew(lease)
    assert lifecycle.expire() == 0


def test_three_failures_without_a_checkpoint_fail_the_run_and_retry_goes_on(run: Run, worker: Worker, cast: Cast) -> None:
    for _ in range(3):
        lifecycle.fail(claim(worker), "killed by SIGKILL", retryable=True)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert Job.objects.get(run=run, position=1).error == "killed by SIGKILL"
    assert lifecycle.claim(worker) is None
    lifecycle.retry(run, cast.alice)
    assert claim(worker).token == 4


def test_an_attempt_that_saved_a_checkpoint_starts_the_count_again(run: Run, worker: Worker) -> None:
    for _ in range(4):
        lease = claim(worker)
        Attempt.objects.filter(pk=lease.attempt_id).update(checkpoint="somewhere")
        lifecycle.fail(lease, "killed", retryable=True)
    assert lifecycle.claim(worker) is not None


def test_bad_input_fails_at_once(run: Run, worker: Worker) -> None:
    lifecycle.fail(claim(worker), "stages.0.trainable: nothing matches", retryable=False)
    run.refresh_from_db()
    assert run.status == Status.FAILED


def test_stopping_a_queued_run_stops_it_at_once_and_resume_queues_it(run: Run, cast: Cast) -> None:
    lifecycle.request_stop(run, cast.alice)
    run.refresh_from_db()
    assert run.status == Status.STOPPED
    lifecycle.resume(run, cast.alice)
    run.refresh_from_db()
    assert (run.status, run.ended_at) == (Status.QUEUED, None)


def test_a_running_job_is_asked_to_stop_and_keeps_its_lease_until_it_has_saved(run: Run, worker: Worker, cast: Cast) -> None:
    lease = claim(worker)
    lifecycle.request_stop(run, cast.alice)
    assert lifecycle.renew(lease) == Status.STOPPING
    lifecycle.stopped(lease)
    run.refresh_from_db()
    assert (run.status, statuses(run)[0]) == (Status.STOPPED, "stopped")


def test_a_stage_that_ends_before_it_sees_the_stop_does_not_start_the_next(run: Run, worker: Worker, cast: Cast) -> None:
    lease = claim(worker)
    lifecycle.request_stop(run, cast.alice)
    lifecycle.finish(lease)
    run.refresh_from_db()
    assert run.status == Status.STOPPED
    assert statuses(run)[:2] == ["completed", "stopped"]
    assert lifecycle.claim(worker) is None


def test_a_run_that_was_to_stop_when_its_worker_died_is_stopped(run: Run, worker: Worker, cast: Cast) -> None:
    lease = claim(worker)
    lifecycle.request_stop(run, cast.alice)
    let_lease_run_out(lease)
    lifecycle.expire()
    run.refresh_from_db()
    assert run.status == Status.STOPPED


def test_a_released_job_is_queued_again(run: Run, worker: Worker) -> None:
    lifecycle.release(claim(worker))
    assert claim(worker).token == 2


@pytest.mark.parametrize("verb", [lifecycle.resume, lifecycle.retry])
def test_a_verb_that_does_not_fit_the_state_is_refused(run: Run, cast: Cast, verb) -> None:
    with pytest.raises(WrongState):
        verb(run, cast.alice)


def test_a_finished_run_cannot_be_stopped(run: Run, worker: Worker, cast: Cast) -> None:
    while lease := lifecycle.claim(worker):
        lifecycle.finish(lease)
    with pytest.raises(WrongState):
        lifecycle.request_stop(run, cast.alice)


def test_every_change_raises_the_cursor_by_one(run: Run, worker: Worker) -> None:
    before = Run.objects.get(pk=run.pk).cursor
    lease = claim(worker)
    with lifecycle.recording(lease) as update:
        pass
    assert update.cursor == before + 2
