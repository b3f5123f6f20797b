"""What the end of a trainer means for its job: its exit status, the wish to stop, and its last words."""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt, Kind, Stage, Status
from workers.logs import last_words
from workers.process import LOG

DONE, BAD_INPUT = 0, 2
# The same config on the same data fails the same way again; why a server failed, a person should look at first.
HOPELESS = ("bad_input", "not_a_number", "server_failed")


def conclude(lease: Lease, attempt: Attempt, status: int, failure: Mapping[str, Any], *, shutting_down: bool) -> None:
    """Ends the attempt by the verb that fits. Raises LeaseLost."""
    if status == DONE and has_result(lease):
        lifecycle.finish(lease)
    elif lifecycle.renew(lease) == Status.STOPPING:
        lifecycle.stopped(lease)
    elif shutting_down or was_told_to_stop(status):
        lifecycle.release(lease)
    else:
        again = status != BAD_INPUT and failure.get("reason") not in HOPELESS
        lifecycle.fail(lease, failure.get("message") or epitaph(status, attempt.folder / LOG), retryable=again)


def has_result(lease: Lease) -> bool:
    """A stage has ended when its final checkpoint was reported."""
    return lease.kind != Kind.STAGE or Stage.objects.exclude(checkpoint="").filter(pk=lease.job_id).exists()


def was_told_to_stop(status: int) -> bool:
    """Somebody else than Anneal asked the trainer to stop: it saved, and the job goes on elsewhere."""
    return status == 3


def epitaph(status: int, log: Path) -> str:
    """Says how the trainer died, with its last words."""
    words = last_words(log)
    if status == BAD_INPUT and words:
        return words
    said = f"Its last lines:\n{words}" if words else "It printed nothing."
    return f"{cause(status)} {said}"


def cause(status: int) -> str:
    if status == DONE:
        return "The trainer ended without a result."
    if status > 0:
        return f"The trainer ended with status {status}."
    name = signal.Signals(-status).name
    hint = ", often because the system ran out of memory" if name == "SIGKILL" else ""
    return f"The trainer was killed by {name}{hint}."


def cannot_start(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"No space left on the worker's disk ({error.filename})."
    return f"The worker could not start the trainer: {error}"
