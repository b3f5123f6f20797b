"""Reads back from the database what a watcher has missed: every update after a cursor, as it was published."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from dashboard.live.messages import Update
from dashboard.live.state import quantization_state, run_state, stage_states
from dashboard.metrics.replaying import points_after
from dashboard.runs.models import Event, LogChunk, Run
from trainer.events import encode


def updates_after(run_id: int, after: int) -> list[Update]:
    """Returns the updates with cursors after+1 .. newest, without a gap; the newest one carries the run's whole present state."""
    with transaction.atomic():
        run = Run.objects.get(pk=run_id)
        if run.cursor <= after:
            return []
        updates = {cursor: Update(run_id, cursor) for cursor in range(after + 1, run.cursor + 1)}
        fill(updates, after)
    newest = updates[run.cursor]
    newest.run, newest.stages, newest.quantization = run_state(run), stage_states(run_id), quantization_state(run_id)
    return list(updates.values())


def fill(updates: dict[int, Update], after: int) -> None:
    """Adds points, events and log to the updates they were written under."""
    run_id = next(iter(updates.values())).run_id
    newest = max(updates)
    for written in points_after(run_id, after, newest):
        updates[written.cursor].points.append(
            {
                "stage": written.stage,
                "attempt": written.attempt,
                "metric": written.metric,
                "step": written.steps.tolist(),
                "value": [encode(value) for value in written.values.tolist()],
            }
        )
    for event in Event.objects.filter(run=run_id, cursor__gt=after, cursor__lte=newest).select_related("attempt__job"):
        updates[event.cursor].events.append(event.to_moment())
    for text in LogChunk.objects.filter(attempt__job__run=run_id, cursor__gt=after, cursor__lte=newest).select_related("attempt__job"):
        updates[text.cursor].log.append({"stage": text.attempt.job.position, "attempt": text.attempt.number, "text": text.text})


def num_points(updates: Iterable[Update]) -> int:
    return sum(update.num_points for update in updates)
