"""Why a run stands still, and what to do about it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from dashboard.runs.models import Attempt, Event, Run, Stage, Status

REASONS: dict[str, Any] = {
    "bad_input": _("What the run was given is wrong"),
    "out_of_memory": _("Out of memory"),
    "no_space": _("The disk is full"),
    "not_a_number": _("The loss is no longer a number"),
    "error": _("The trainer failed"),
}
NEXT_STEPS: dict[str, Any] = {
    "bad_input": _("Correct the field or the data, then start a new run."),
    "out_of_memory": _("Lower the batch size or the picture size in a new run, or retry on a worker with more memory."),
    "no_space": _("Free space on the worker's disk, then retry: nothing that was saved is lost."),
    "not_a_number": _("Lower the peak rate in a new run; a retry goes the same way again from the last checkpoint."),
    "error": _("The log shows what came before. A retry goes on from the last checkpoint."),
}


@dataclass(frozen=True)
class Failure:
    """What failed, why, and what to do next. `message` is what the trainer or the worker said."""

    stage: Stage | None
    reason: Any
    message: str
    next_step: Any
    num_attempts: int
    checkpoint_step: int | None


def failure_of(run: Run, attempts: Sequence[Attempt]) -> Failure | None:
    """The failure of a failed run; None where there is none."""
    job = run.jobs.filter(status=Status.FAILED).first() if run.status == Status.FAILED else None
    if job is None:
        return None
    stage = Stage.objects.filter(pk=job.pk).first()
    reason = reason_of(run, job.pk)
    saved = Event.objects.filter(attempt__job=job, kind="saved").order_by("-step").values_list("step", flat=True).first()
    tries = sum(attempt.job_id == job.pk for attempt in attempts)
    return Failure(stage, REASONS[reason], job.error, NEXT_STEPS[reason], tries, saved)


def reason_of(run: Run, job_id: int) -> str:
    event = Event.objects.filter(run=run, attempt__job=job_id, kind="failed").last()
    reason = str(event.data.get("reason", "")) if event else ""
    return reason if reason in REASONS else "error"
