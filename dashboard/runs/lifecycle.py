"""How runs and jobs change state. Every change is a conditional UPDATE inside `changing` or `recording`; its row count says who won."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from dashboard.accounts.models import Project, User
from dashboard.fleet.models import Worker
from dashboard.live.messages import Update
from dashboard.live.publish import publish
from dashboard.live.state import aside_states, quantization_state, run_state, stage_states
from dashboard.runs import keys, queue
from dashboard.runs.models import DONE, ENDED, Attempt, Evaluation, Job, Kind, Quantization, Run, Stage, Status
from dashboard.runs.reuse import taken_over, twins_of
from dashboard.runs.timeline import write_event
from trainer import catalog
from trainer.catalog import Card
from trainer.config import Run as Config
from trainer.plan import num_steps

LEASE = timedelta(seconds=10)
RING_AGAIN_AFTER = timedelta(seconds=5)
MAX_FAILURES = 3


class LeaseLost(Exception):
    """Another attempt holds the job, or the job has ended: nothing more may be written for this one."""


class WrongState(Exception):
    """The verb does not fit the run's present state."""


@dataclass(frozen=True)
class Lease:
    """The right to write for a job, as long as its attempt is open and is renewed in time."""

    run_id: int
    job_id: int
    attempt_id: int
    token: int
    kind: Kind


# --- one transaction, one cursor, one update ---------------------------------------------------------------------------


@contextmanager
def changing(run_id: int, *, state_changes: bool = True) -> Iterator[Update]:
    """A transaction that changes what the run's page shows; the update is published after commit.

    The run's row is always locked first, so that two writers queue up instead of deadlocking. Where no state changes none is read.
    """
    with transaction.atomic():
        cursor, project_id = raise_cursor(run_id)
        update = Update(run_id, cursor)
        yield update
        if state_changes:
            update.run, update.stages = run_state(Run.objects.get(pk=run_id)), stage_states(run_id)
            update.quantization, update.asides = quantization_state(run_id), aside_states(run_id)
        transaction.on_commit(partial(publish, update, project_id))


def raise_cursor(run_id: int) -> tuple[int, int]:
    """Returns the run's new cursor and its project, in one statement. Raises Run.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_run SET cursor = cursor + 1 WHERE id = %s RETURNING cursor, project_id", [run_id])
        found = cursor.fetchall()
    if not found:
        raise Run.DoesNotExist(f"there is no run {run_id}")
    raised, project_id = found[0]
    return raised, project_id


@contextmanager
def recording(lease: Lease, *, state_changes: bool = True, **fields: Any) -> Iterator[Update]:
    """`changing` for whoever holds the lease, which is renewed with it; `fields` of the attempt go along. Raises LeaseLost."""
    with changing(lease.run_id, state_changes=state_changes) as update:
        hold(lease, **fields)
        yield update


def hold(lease: Lease, **fields: Any) -> None:
    """Extends the lease by the database's clock. Raises LeaseLost."""
    if not Attempt.objects.filter(pk=lease.attempt_id, ended_at=None).update(lease_until=Now() + LEASE, **fields):
        raise LeaseLost(f"attempt {lease.token} of job {lease.job_id} no longer holds it")


def renew(lease: Lease) -> str:
    """Extends the lease and returns the job's status. Raises LeaseLost."""
    hold(lease)
    return Job.objects.values_list("status", flat=True).get(pk=lease.job_id)


# --- from the person ---------------------------------------------------------------------------------------------------


def submit(
    project: Project,
    owner: User,
    name: str,
    config: Config,
    recipe: str = "",
    *,
    reuse: bool = True,
    taken: Sequence[Stage] | None = None,
    forked_from: Run | None = None,
    forked_stage: int | None = None,
) -> Run:
    """Stores the run with its jobs and queues the first that has work to do.

    Its first stages are those of `taken`, or, where that is not given and `reuse` is on, finished twins.
    """
    cards = catalog.load([settings.DATASETS_DIR])
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        newest = project.runs.aggregate(newest=Max("number"))["newest"] or 0
        lineage = {"forked_from": forked_from, "forked_stage": forked_stage}
        document = config.model_dump(mode="json")
        run = Run.objects.create(project=project, number=newest + 1, name=name, owner=owner, recipe=recipe, config=document, **lineage)
        if taken is None:
            taken = twins_of(project, config, cards) if reuse else []
        elif Run.objects.filter(jobs__in=[stage.pk for stage in taken]).exclude(deleted_at=None).exists():
            raise WrongState("The run that trained these stages is being deleted.")
        create_jobs(run, config, cards, taken)
    begin(run, taken)
    run.refresh_from_db()
    return run


def create_jobs(run: Run, config: Config, cards: Mapping[str, Card], taken: Sequence[Stage]) -> None:
    for index, (stage, (key, inputs)) in enumerate(zip(config.stages, keys.chain(config, cards), strict=True), 1):
        fields = {"num_steps": num_steps(stage, cards, config.model), "key": key, "inputs": inputs}
        if index <= len(taken):
            fields = taken_over(taken[index - 1])
        Stage.objects.create(run=run, position=index, index=index, name=stage.name, **fields)
    if config.evaluate:
        last = Stage.objects.get(run=run, index=len(config.stages))
        Evaluation.objects.create(run=run, position=len(config.stages) + 2, aside=True, of_stage=last, split="test")
    if config.quantization:
        Quantization.objects.create(run=run, position=len(config.stages) + 1)


def begin(run: Run, taken: Sequence[Stage]) -> None:
    """Queues the first job that waits; a run that has none is complete as it is."""
    with changing(run.pk) as update:
        if taken:
            write_event(update, "reused", num_stages=len(taken), numbers=sorted({stage.run.number for stage in taken}))
        enqueue_aside(run.pk)
        if not enqueue(Job.objects.filter(run=run, status=Status.WAITING, aside=False).order_by("position")[:1]):
            Run.objects.filter(pk=run.pk).update(started_at=Now())
            set_run(run.pk, Status.COMPLETED)


def ask(run: Run, kind: type[Job], by: User, **fields: Any) -> Job:
    """Queues a job beside the run's own work. Raises WrongState for a run that is being deleted."""
    with changing(run.pk) as update:
        if Run.objects.filter(pk=run.pk).exclude(deleted_at=None).exists():
            raise WrongState(f"{run.name} is being deleted.")
        newest = run.jobs.aggregate(newest=Max("position"))["newest"]
        job = kind.objects.create(run=run, position=newest + 1, aside=True, asked_by=by, **fields)
        enqueue(Job.objects.filter(pk=job.pk))
        write_event(update, "asked", what=job.kind, by=by.username)
    return job


def stop_aside(job: Job, by: User) -> None:
    """What runs beside the run's own work is asked to end; what waits ends at once. Raises WrongState where there is nothing to stop."""
    with changing(job.run_id) as update:
        jobs = Job.objects.filter(pk=job.pk, aside=True)
        asked = jobs.filter(status=Status.RUNNING).update(status=Status.STOPPING)
        if not asked and not jobs.filter(status=Status.QUEUED).update(status=Status.STOPPED, ended_at=Now()):
            raise WrongState(f"{job.get_kind_display()} is {job.get_status_display().lower()}: there is nothing to stop.")
        write_event(update, "stop_requested", what=job.kind, by=by.username)


def request_stop(run: Run, by: User) -> None:
    """A running job is asked to save and stop; a queued one stops at once. Raises WrongState when nothing runs or waits."""
    with changing(run.pk) as update:
        jobs = Job.objects.filter(run=run, aside=False)
        asked = jobs.filter(status=Status.RUNNING).update(status=Status.STOPPING)
        stopped = jobs.filter(status=Status.QUEUED).update(status=Status.STOPPED, ended_at=Now())
        if not asked and not stopped:
            raise WrongState(f"{run.name} is {run.get_status_display().lower()}: there is nothing to stop.")
        set_run(run.pk, Status.STOPPING if asked else Status.STOPPED)
        write_event(update, "stop_requested", by=by.username)


def resume(run: Run, by: User) -> None:
    """A stopped run goes on from its newest checkpoint."""
    requeue(run, Status.STOPPED, "resumed", by)


def retry(run: Run, by: User) -> None:
    """A failed run goes on from its newest checkpoint, with three new attempts."""
    requeue(run, Status.FAILED, "retried", by)


def requeue(run: Run, status: Status, verb: str, by: User) -> None:
    with changing(run.pk) as update:
        if not enqueue(Job.objects.filter(run=run, run__deleted_at=None, aside=False, status=status), failures=0):
            raise WrongState(f"{run.name} is {run.get_status_display().lower()}, not {status.label.lower()}.")
        set_run(run.pk, Status.QUEUED)
        write_event(update, verb, by=by.username)


# --- from the worker ---------------------------------------------------------------------------------------------------


def claim(worker: Worker) -> Lease | None:
    """Takes the job that has been queued longest; None when the queue is empty."""
    while candidate := Job.objects.filter(status=Status.QUEUED).order_by("queued_at", "pk").values_list("pk", "run_id").first():
        if lease := take(*candidate, worker):
            return lease
    return None


def take(job_id: int, run_id: int, worker: Worker) -> Lease | None:
    """One conditional UPDATE decides; the winner opens the attempt that the raised token names."""
    with changing(run_id):
        won = Job.objects.filter(pk=job_id, status=Status.QUEUED).update(
            status=Status.RUNNING, token=F("token") + 1, started_at=Coalesce(F("started_at"), Now()), ended_at=None, error="", progress={}
        )
        if not won:
            return None
        job = Job.objects.get(pk=job_id)
        attempt = Attempt.objects.create(job=job, number=job.token, worker=worker, lease_until=Now() + LEASE, started_at=Now())
        set_run_of(job_id, Status.RUNNING)
        Run.objects.filter(pk=run_id, started_at=None).update(started_at=Now())
    return Lease(run_id, job_id, attempt.pk, job.token, Kind(job.kind))


def finish(lease: Lease) -> None:
    """The job is done: the next one is queued, or the run is complete."""
    with recording(lease):
        end(lease, "completed", Status.COMPLETED)
        job = Job.objects.get(pk=lease.job_id)
        if not job.aside:
            go_on(job)


def go_on(job: Job) -> None:
    """What comes after a job of the run's own work."""
    enqueue_aside(job.run_id)
    if not enqueue(Job.objects.filter(run=job.run_id, aside=False, position=job.position + 1, status=Status.WAITING)):
        set_run(job.run_id, Status.COMPLETED)
    elif stop_was_asked(job.run_id):
        stop_queued(job.run_id)


def fail(lease: Lease, error: str, *, retryable: bool) -> None:
    """The attempt failed. Up to three in a row without a new checkpoint are tried again; then the job and the run fail."""
    with recording(lease):
        attempt, job = Attempt.objects.get(pk=lease.attempt_id), Job.objects.get(pk=lease.job_id)
        failures = 1 if attempt.checkpoint else job.failures + 1
        again = retryable and failures < MAX_FAILURES and job.status == Status.RUNNING
        end(lease, "failed", Status.FAILED, error)
        Job.objects.filter(pk=job.pk).update(failures=failures)
        if again:
            enqueue(Job.objects.filter(pk=job.pk))
        else:
            set_run_of(job.pk, Status.FAILED)


def stopped(lease: Lease) -> None:
    """The trainer saved and stopped because a person asked for it."""
    with recording(lease):
        end(lease, "stopped", Status.STOPPED)
        set_run_of(lease.job_id, Status.STOPPED)


def release(lease: Lease) -> None:
    """The worker shuts down: the job goes back to the queue, or stays stopped where that was asked for too."""
    with recording(lease):
        give_back(lease.job_id, lease.attempt_id, "released", Status.QUEUED)


def expire() -> int:
    """Gives back the jobs of workers whose leases ran out; returns how many."""
    late = Attempt.objects.filter(ended_at=None, lease_until__lt=Now()).values_list("pk", "job_id", "job__run_id")
    return sum(expire_one(*ids) for ids in list(late))


def expire_one(attempt_id: int, job_id: int, run_id: int) -> bool:
    with changing(run_id) as update:
        attempt = Attempt.objects.filter(pk=attempt_id, ended_at=None, lease_until__lt=Now()).select_related("job", "worker").first()
        if attempt is None:
            return False
        give_back(job_id, attempt_id, "lost", Status.LOST)
        write_event(update, "lost", attempt=attempt, step=attempt.last_step, worker=str(attempt.worker or ""))
        return True


def queued_too_long() -> list[int]:
    """Jobs that nobody took although they were rung for: their message may be lost."""
    return list(Job.objects.filter(status=Status.QUEUED, queued_at__lt=Now() - RING_AGAIN_AFTER).values_list("pk", flat=True))


# --- the steps they share ----------------------------------------------------------------------------------------------


def enqueue(jobs: QuerySet[Job], **fields: int) -> int:
    """Queues the jobs and rings for them after commit. The doorbell carries no authority: the row does."""
    ids = list(jobs.values_list("pk", flat=True))
    for job_id in ids:
        transaction.on_commit(partial(queue.ring, job_id))
    return Job.objects.filter(pk__in=ids).update(status=Status.QUEUED, queued_at=Now(), ended_at=None, error="", **fields)


def enqueue_aside(run_id: int) -> None:
    """What is to be done beside the run's own work, as soon as all of its stages are trained."""
    if not Stage.objects.filter(run=run_id).exclude(status__in=DONE).exists():
        enqueue(Job.objects.filter(run=run_id, aside=True, status=Status.WAITING))


def end(lease: Lease, outcome: str, status: Status, error: str = "") -> None:
    """Closes the attempt and with it the lease; the job takes the status."""
    Attempt.objects.filter(pk=lease.attempt_id).update(ended_at=Now(), outcome=outcome, error=error)
    Job.objects.filter(pk=lease.job_id).update(status=status, ended_at=Now(), error=error)


def give_back(job_id: int, attempt_id: int, outcome: str, status: Status) -> None:
    """Ends an attempt that nobody finished; a job that was to stop is stopped, another one is queued again."""
    Attempt.objects.filter(pk=attempt_id).update(ended_at=Now(), outcome=outcome)
    if Job.objects.filter(pk=job_id, status=Status.STOPPING).update(status=Status.STOPPED, ended_at=Now()):
        set_run_of(job_id, Status.STOPPED)
    elif enqueue(Job.objects.filter(pk=job_id, status=Status.RUNNING)):
        set_run_of(job_id, status)


def stop_was_asked(run_id: int) -> bool:
    return Run.objects.filter(pk=run_id, status=Status.STOPPING).exists()


def stop_queued(run_id: int) -> None:
    """The stage ended before it saw the stop request: the run stops in front of the next one."""
    Job.objects.filter(run=run_id, aside=False, status=Status.QUEUED).update(status=Status.STOPPED, ended_at=Now())
    set_run(run_id, Status.STOPPED)


def set_run(run_id: int, status: Status) -> None:
    over = status in ENDED
    Run.objects.filter(~Q(status=status), pk=run_id).update(status=status, ended_at=Now() if over else None)


def set_run_of(job_id: int, status: Status) -> None:
    """The same by a job, of which the run's state hangs unless it is done aside."""
    for run_id in Job.objects.filter(pk=job_id, aside=False).values_list("run_id", flat=True):
        set_run(run_id, status)
