"""Writes what happened and what was printed, inside the transaction that changes the run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dashboard.live.messages import Update
from dashboard.runs.models import Attempt, Event, LogChunk


def write_event(
    update: Update, kind: str, *, attempt: Attempt | None = None, step: int | None = None, at: float | None = None, **data: Any
) -> None:
    """Stores an event of an attempt, or of the run itself, and adds it to the update. `at` is in Unix seconds, now if not given."""
    moment = datetime.fromtimestamp(update.at if at is None else at, UTC)
    event = Event.objects.create(run_id=update.run_id, attempt=attempt, cursor=update.cursor, kind=kind, step=step, at=moment, data=data)
    update.events.append(event.to_moment())


def write_log(update: Update, attempt: Attempt, text: str) -> None:
    """Stores what the attempt printed and adds it to the update."""
    if text:
        LogChunk.objects.create(attempt=attempt, cursor=update.cursor, text=text)
        update.log.append({"stage": attempt.job.position, "attempt": attempt.number, "text": text})
