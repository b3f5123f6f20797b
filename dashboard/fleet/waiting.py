"""Why a job waits, in two lines that a person understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.fleet.models import Worker
from dashboard.numbers import estimate
from dashboard.runs.models import Attempt


@dataclass(frozen=True)
class Reason:
    """`never` marks what does not pass by itself."""

    title: str
    detail: str
    never: bool = False


@dataclass(frozen=True)
class Busy:
    """What a worker is at. `run` is empty where the reader may not know it; `left_s` is None where nobody can tell."""

    worker: str
    run: str
    left_s: float | None


def free_slots(workers: Sequence[Worker], held: Sequence[Attempt]) -> int:
    alive = {worker.pk for worker in workers}
    return max(0, sum(worker.num_slots for worker in workers) - sum(attempt.worker_id in alive for attempt in held))


def reason(place: int, num_workers: int, num_free: int, busy: Sequence[Busy]) -> Reason:
    """`place` counts from 0 among all that wait."""
    if not num_workers:
        return Reason(_("No worker is listening"), _("Start one with python manage.py worker"), never=True)
    if place < num_free:
        return Reason(_("Starts in a moment"), _("A worker is free and has been rung for"))
    ahead = place - num_free
    if ahead >= len(busy):
        words = ngettext("%(n)s job is in front of it", "%(n)s jobs are in front of it", place) % {"n": place}
        return Reason(_("Waits for its turn"), words)
    next_free = sorted(busy, key=lambda each: float("inf") if each.left_s is None else each.left_s)[ahead]
    return Reason(_("Waits for %(worker)s") % {"worker": next_free.worker}, busy_with(next_free))


def busy_with(busy: Busy) -> str:
    run = busy.run or _("a run of another project")
    if busy.left_s is None:
        return _("busy with %(run)s") % {"run": run}
    return _("busy with %(run)s, about %(time)s") % {"run": run, "time": estimate(busy.left_s)}
