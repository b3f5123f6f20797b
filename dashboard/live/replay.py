"""Reads back from the database what a watcher has missed: every update after a cursor, as it was published."""

from __future__ import annotations

from django.db.models import F, FloatField, Sum, Value
from django.db.models.functions import Cast, Greatest, Least

from dashboard.live.messages import Points, Update
from dashboard.live.state import aside_states, quantization_state, run_state, stage_states
from dashboard.metrics.models import Chunk
from dashboard.metrics.replaying import points_after
from dashboard.runs.models import Event, LogChunk, Run

# A page of updates is in memory at once: so many cursors, fewer where they hold many points.
PAGE = 256
PAGE_POINTS = 50_000


def updates_after(run_id: int, after: int) -> list[Update]:
    """Returns the next updates behind a cursor, without a gap, nothing when there is none.

    The database keeps no past states: the last of them carries the present one, which is at least as new. Each query sees what was
    committed before it began: no transaction is needed, which on SQLite would wait for the writers.
    """
    run = Run.objects.filter(pk=run_id).first()
    if run is None or run.cursor <= after:
        return []
    until = min(run.cursor, after + PAGE)
    while until > after + 1 and num_points_between(run_id, after, until) > PAGE_POINTS:
        until = after + max((until - after) // 4, 1)
    updates = {cursor: Update(run_id, cursor) for cursor in range(after + 1, until + 1)}
    fill(updates, run_id, after, until)
    last = updates[until]
    last.run, last.stages = run_state(run), stage_states(run_id)
    last.quantization, last.asides = quantization_state(run_id), aside_states(run_id)
    return list(updates.values())


def fill(updates: dict[int, Update], run_id: int, after: int, until: int) -> None:
    """Adds points, events and log to the updates they were written under."""
    for written in points_after(run_id, after, until):
        points = Points(written.stage, written.attempt, written.metric, written.steps, written.values)
        updates[written.cursor].points.append(points)
    for event in Event.objects.filter(run=run_id, cursor__gt=after, cursor__lte=until).select_related("attempt__job"):
        updates[event.cursor].events.append(event.to_moment())
    for text in LogChunk.objects.filter(attempt__job__run=run_id, cursor__gt=after, cursor__lte=until).select_related("attempt__job"):
        updates[text.cursor].log.append({"stage": text.attempt.job.position, "attempt": text.attempt.number, "text": text.text})


def num_points_between(run_id: int, after: int, until: int) -> int:
    """Returns about how many points these transactions wrote: a row that others wrote too counts in proportion to its cursors."""
    rows = Chunk.objects.filter(run=run_id, level=0, cursor__gt=after, first_cursor__lte=until)
    own = Least(F("cursor"), Value(until)) - Greatest(F("first_cursor") - 1, Value(after))
    share = Cast(own, FloatField()) / (F("cursor") - F("first_cursor") + 1)
    return round(rows.aggregate(total=Sum(F("num_entries") * share))["total"] or 0)
