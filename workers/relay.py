"""Turns an attempt's events and log into rows and one message per transaction; each byte is relayed once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import transaction

from dashboard.live.messages import Update
from dashboard.metrics.names import without_odd_characters
from dashboard.metrics.writing import Writer
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt
from dashboard.runs.timeline import write_event, write_log
from trainer.events import FILE_NAME, read_from
from workers import facts
from workers.logs import read_log
from workers.points import points_of
from workers.process import LOG

RENEW_S = 0.5
MAX_BYTES = 2**20
ON_THE_TIME_LINE = (
    "preparing", "started", "evaluated", "saved", "stopped", "warned", "skipped", "went_back", "failed", "finished", "exported",
)  # fmt: skip
ENVELOPE = ("seq", "at", "kind", "stage", "step")


@dataclass(frozen=True)
class Found:
    """What lies behind an attempt's offsets, and where the next reading starts."""

    events: list[dict[str, Any]]
    text: str
    events_offset: int
    log_offset: int

    def __bool__(self) -> bool:
        return bool(self.events or self.text)

    @cached_property
    def newest_step(self) -> Mapping[str, Any] | None:
        return next((event for event in reversed(self.events) if event["kind"] == "stepped"), None)

    @cached_property
    def changes_state(self) -> bool:
        return any(event["kind"] in facts.CHANGES_STATE for event in self.events)

    def fields(self) -> dict[str, Any]:
        """What the attempt's row says once this is recorded."""
        told: dict[str, Any] = {"events_offset": self.events_offset, "log_offset": self.log_offset}
        if step := self.newest_step:
            told |= {"last_step": step["step"], "last_point_at": datetime.fromtimestamp(step["at"], UTC)}
        return told


class Relay:
    """Reads behind the offsets in the attempt's row; call `pump` again and again."""

    def __init__(self, lease: Lease, attempt: Attempt) -> None:
        self.lease, self.attempt, self.writer = lease, attempt, Writer(attempt)
        self.renewed_at = 0.0
        self.is_behind = False
        self.failure: Mapping[str, Any] = {}

    def pump(self) -> str:
        """Writes what is new in one transaction; when it is time, renews the lease and returns the job's status. Raises LeaseLost."""
        before = self.attempt.events_offset
        if found := look(self.attempt):
            self.record(found)
        self.is_behind = self.attempt.events_offset - before > MAX_BYTES // 2
        if time.monotonic() - self.renewed_at < RENEW_S:
            return ""
        self.renewed_at = time.monotonic()
        return lifecycle.renew(self.lease)

    def record(self, found: Found) -> None:
        record(self.lease, self.writer, found)
        self.failure = next((event for event in reversed(found.events) if event["kind"] == "failed"), self.failure)

    def drain(self) -> None:
        """Writes all that is left after the trainer has ended, an unfinished last line of its log included. Raises LeaseLost."""
        while found := look(self.attempt, ended=True):
            self.record(found)
        tidy(self.lease, self.writer)

    def forget(self) -> None:
        """After a failed transaction nobody knows whether it was committed: the row says how far the relay came."""
        self.attempt.refresh_from_db(fields=["events_offset", "log_offset"])


def look(attempt: Attempt, *, ended: bool = False) -> Found:
    events, events_offset = read_from(attempt.folder / FILE_NAME, attempt.events_offset, MAX_BYTES)
    text, log_offset = read_log(attempt.folder / LOG, attempt.log_offset, ended=ended)
    return Found([storable(event) for event in events], text, events_offset, log_offset)


def storable(event: dict[str, Any]) -> dict[str, Any]:
    """Any text is taken as the database takes it. Of a step nothing is stored but the points, under names that are seen to there."""
    if event["kind"] == "stepped":
        return event
    cleaned: dict[str, Any] = without_odd_characters(event)
    return cleaned


def record(lease: Lease, writer: Writer, found: Found) -> None:
    """One transaction: the points, events and text, what they say about the job, and the offsets behind them."""
    attempt, fields = writer.attempt, found.fields()
    is_own = attempt.pk == lease.attempt_id
    with lifecycle.recording(lease, state_changes=found.changes_state, **(fields if is_own else {})) as update:
        if not is_own:
            Attempt.objects.filter(pk=attempt.pk).update(**fields)
        if points := points_of(found.events):
            writer.write(update, points)
        write(update, attempt, found)
    attempt.events_offset, attempt.log_offset = found.events_offset, found.log_offset


def write(update: Update, attempt: Attempt, found: Found) -> None:
    write_log(update, attempt, found.text)
    for event in found.events:
        if event["kind"] in ON_THE_TIME_LINE:
            write_moment(update, attempt, event)
        if event["kind"] in facts.KINDS and (event["kind"] != "stepped" or event is found.newest_step):
            facts.KINDS[event["kind"]](attempt, event)
    if found.newest_step and not found.changes_state:
        update.progress = {"stage": attempt.job.position, "last_step": found.newest_step["step"]}


def write_moment(update: Update, attempt: Attempt, event: Mapping[str, Any]) -> None:
    data = {name: value for name, value in event.items() if name not in ENVELOPE}
    write_event(update, event["kind"], attempt=attempt, step=event.get("step"), at=event["at"], **data)


def rescue(lease: Lease, earlier: Attempt) -> None:
    """Records, under the lease of a newer attempt, what an ended one wrote before its worker died: nothing trained is lost."""
    writer = Writer(earlier)
    while found := look(earlier, ended=True):
        record(lease, writer, found)
    tidy(lease, writer)


def tidy(lease: Lease, writer: Writer) -> None:
    """An attempt that writes no more leaves few rows per series. Raises LeaseLost."""
    with transaction.atomic():
        lifecycle.renew(lease)
        writer.finish()
