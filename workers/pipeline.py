"""One job from claim to end: what is left of earlier attempts, its folder, its process, its relay, its outcome."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Sequence

from django.db import DataError, Error, IntegrityError, connection

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease, LeaseLost
from dashboard.runs.models import Attempt, Kind, Status
from workers.handover import hand_over
from workers.outcome import cannot_start, conclude, has_result
from workers.process import Trainer
from workers.relay import Relay, rescue

log = logging.getLogger(__name__)

POLL_S = 0.1
# Recording takes at most a quarter of the time, so that a database that is slow, or shared, is given fewer, larger transactions.
PAUSES = 3.0
PAUSES_WHEN_BEHIND = 0.5
LONGEST_PAUSE_S = 1.0
NUM_TIMED = 5
STOP_GRACE_S = 60.0
SHUTDOWN_GRACE_S = 15.0
# What a database says that does answer: it would say the same the next time.
REFUSED = (DataError, IntegrityError)
VERBS = {Kind.STAGE: "train", Kind.EVALUATION: "evaluate", Kind.QUANTIZATION: "quantize", Kind.LOAD_TEST: "load-test"}


def run_next(worker: Worker, shutting_down: threading.Event) -> bool:
    """Claims and runs the oldest queued job; False when there is none.

    Raises django.db.Error when the database does not answer: the job is then left to its lease.
    """
    lease = lifecycle.claim(worker)
    if lease is None:
        return False
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    log.info("run %s, job %s, attempt %s begins", lease.run_id, attempt.job.position, lease.token)
    try:
        run_attempt(lease, attempt, shutting_down)
    except LeaseLost as lost:
        log.warning("%s", lost)
    except Exception as error:
        if isinstance(error, Error) and not isinstance(error, REFUSED):
            raise
        log.exception("this job cannot be run")
        lifecycle.fail(lease, f"The worker could not run this job: {type(error).__name__}: {error}", retryable=True)
    return True


def run_attempt(lease: Lease, attempt: Attempt, shutting_down: threading.Event) -> None:
    for earlier in attempt.job.attempts.filter(number__lt=lease.token).select_related("job__run"):
        rescue(lease, earlier)
    if lease.kind == Kind.STAGE and has_result(lease):
        lifecycle.finish(lease)
        return
    try:
        hand_over(attempt, lease.kind)
        trainer = Trainer(VERBS[lease.kind], attempt.folder)
    except OSError as error:
        lifecycle.fail(lease, cannot_start(error), retryable=True)
        return
    attend(lease, attempt, trainer, shutting_down)


def attend(lease: Lease, attempt: Attempt, trainer: Trainer, shutting_down: threading.Event) -> None:
    """Relays to the end. However this is left, the trainer has ended then."""
    relay = Relay(lease, attempt)
    try:
        watch(relay, trainer, shutting_down)
        relay.drain()
    finally:
        trainer.close()
    status = trainer.status()
    assert status is not None
    log.info("run %s, job %s, attempt %s ended with status %s", lease.run_id, attempt.job.position, lease.token, status)
    conclude(lease, attempt, status, relay.failure, shutting_down=shutting_down.is_set())


def watch(relay: Relay, trainer: Trainer, shutting_down: threading.Event) -> None:
    """Relays until the trainer ends. A stop request or a shutdown asks it to save; past the grace period it is killed."""
    deadline: float | None = None
    took_s: deque[float] = deque(maxlen=NUM_TIMED)
    while trainer.status() is None:
        began = time.monotonic()
        stopping = pump(relay) == Status.STOPPING
        took_s.append(time.monotonic() - began)
        if deadline is None and (stopping or shutting_down.is_set()):
            trainer.ask_to_stop()
            deadline = time.monotonic() + (SHUTDOWN_GRACE_S if shutting_down.is_set() else STOP_GRACE_S)
        elif deadline is not None and time.monotonic() > deadline:
            trainer.kill()
        time.sleep(pause(took_s, is_behind=relay.is_behind))
        trainer.listen(POLL_S)


def pause(took_s: Sequence[float], *, is_behind: bool) -> float:
    """Returns how long to wait before the next transaction may begin, by what the last ones took: a single slow one is no reason."""
    return min(statistics.median(took_s) * (PAUSES_WHEN_BEHIND if is_behind else PAUSES), LONGEST_PAUSE_S)


def pump(relay: Relay) -> str:
    """A database that does not answer costs nothing while the lease holds: the events wait in their file. Raises what it refuses."""
    try:
        return relay.pump()
    except REFUSED:
        raise
    except Error as error:
        log.warning("the database does not answer: %s", error)
        connection.close()
        time.sleep(1)
        return again(relay)


def again(relay: Relay) -> str:
    try:
        relay.forget()
    except Error:
        connection.close()
    return ""
