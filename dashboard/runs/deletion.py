"""Deletes runs for good: their rows, folder and stream. A run is gone for everybody at once, and its rows go in small pieces."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Now
from redis.exceptions import RedisError

from dashboard.accounts.models import Project
from dashboard.live.publish import stream_of
from dashboard.metrics.models import Chunk, Series
from dashboard.redis import client
from dashboard.registry.evaluated import keep_newest
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import ENDED, HELD, Event, Job, LogChunk, Run, Status

log = logging.getLogger(__name__)

# Each piece is a transaction of its own, short enough that workers do not wait for it.
PIECE = 200


def delete(run: Run) -> None:
    """Raises WrongState for a run that has not ended, or of which another one shows stages."""
    if hide(run):
        for _ in remove(run):
            pass


def hide(run: Run) -> bool:
    """From here on nobody sees the run, and nobody takes over its stages: whoever submits holds the project's lock too.

    Returns False where somebody else was first. Raises WrongState.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=run.project_id)
        locked = Run.objects.select_for_update().filter(pk=run.pk, deleted_at=None).first()
        if locked is None:
            return False
        if locked.status not in ENDED:
            raise WrongState(f"{run.name} is {locked.get_status_display().lower()}: only a run that has ended can be deleted.")
        if job := Job.objects.filter(run=run, aside=True, status__in=HELD).first():
            raise WrongState(f"{run.name} is not at rest: {job.get_kind_display().lower()} is {job.get_status_display().lower()}.")
        if users := list(users_of(run)):
            names = ", ".join(f"#{user.number} {user.name}" for user in users)
            raise WrongState(f"{run.name} has trained stages of {names}: these would lose their curves. Delete them first.")
        Job.objects.filter(run=run, status=Status.QUEUED).update(status=Status.STOPPED, ended_at=Now())
        keep_newest(run)
        return bool(Run.objects.filter(pk=run.pk).update(deleted_at=Now()))


def users_of(run: Run) -> QuerySet[Run]:
    """Other runs, forks among them, whose stages this run has trained."""
    return Run.objects.filter(jobs__stage__reused_from__run=run).exclude(pk=run.pk).distinct().order_by("number")


def remove(run: Run) -> Iterator[int]:
    """Removes a hidden run; yields the number of rows of each piece. What was cut short is taken up again by `unfinished`."""
    forget_stream(run)
    rows: list[QuerySet[Model]] = [
        Chunk.objects.filter(run=run),
        Series.objects.filter(attempt__job__run=run),
        LogChunk.objects.filter(attempt__job__run=run),
        Event.objects.filter(run=run),
    ]
    for found in rows:
        while ids := list(found.order_by().values_list("pk", flat=True)[:PIECE]):
            found.model._default_manager.filter(pk__in=ids).delete()
            yield len(ids)
    shutil.rmtree(run.folder, ignore_errors=True)
    Run.objects.filter(pk=run.pk).delete()


def forget_stream(run: Run) -> None:
    try:
        client().delete(stream_of(run.pk))
    except (RedisError, OSError) as error:
        log.warning("the stream of run %s was not deleted: %s", run.pk, error)


def unfinished() -> QuerySet[Run]:
    """Runs that are hidden and still have rows."""
    return Run.objects.exclude(deleted_at=None).order_by("pk")


def outlived(days: int) -> list[Run]:
    """Runs that ended longer ago, the newest first: what took over stages goes before what it took them from."""
    return list(Run.objects.filter(ended_at__lt=Now() - timedelta(days=days), status__in=ENDED, deleted_at=None).order_by("-pk"))
