"""Who works and who waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.fleet.models import Worker
from dashboard.fleet.waiting import Busy, free_slots, reason
from dashboard.runs.freshness import BEAT_S, freshness
from dashboard.runs.models import Attempt, Job, Stage, Status
from dashboard.runs.rows import seconds_left, strips

GONE_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Work:
    """An attempt under way. `stages` is empty where the reader may not see the run."""

    attempt: Attempt
    stages: list[dict[str, Any]]

    @property
    def is_visible(self) -> bool:
        return bool(self.stages)

    @property
    def stage(self) -> dict[str, Any] | None:
        """None for a job that trains none."""
        return next((stage for stage in self.stages if stage["index"] == self.attempt.job.position), None)

    @property
    def left_s(self) -> float | None:
        return seconds_left(self.attempt, [self.stage]) if self.stage else None


@dataclass(frozen=True)
class Place:
    """A worker, whether it still answers, and what it is at."""

    worker: Worker
    alive: bool
    works: Sequence[Work]

    @property
    def freshness(self) -> str:
        """By the worker's heartbeat alone."""
        age = (timezone.now() - self.worker.last_seen).total_seconds()
        return freshness(age, interval_s=BEAT_S, heartbeat_s=age)


@require_GET
def worker_list(request: HttpRequest) -> HttpResponse:
    """Every worker, the living first; those that left long ago are not shown."""
    seen = Worker.objects.filter(last_seen__gt=timezone.now() - GONE_FOR)
    places = sorted(places_of(seen, works(request)), key=lambda place: (not place.alive, place.worker.name))
    return render(request, "fleet/workers.html", {"places": places, "num_alive": sum(place.alive for place in places)})


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """What waits, in the order in which workers take it, and what has to end first."""
    present, alive = works(request), Worker.objects.alive().order_by("name")
    waiting = list(Job.objects.filter(status=Status.QUEUED).order_by("queued_at", "pk").select_related("run__owner", "stage"))
    context = {
        "lines": lines(request, waiting, list(alive), present),
        "num_waiting": len(waiting),
        "num_running": len(present),
        "num_alive": alive.count(),
        "places": places_of(alive, present),
    }
    return render(request, "fleet/queue.html", context)


def works(request: HttpRequest) -> list[Work]:
    """What is under way everywhere, in two queries; of runs of other projects only that they are there."""
    held = list(Attempt.objects.filter(ended_at=None).select_related("job__run", "worker").order_by("started_at"))
    visible = visible_strips(request, [attempt.job for attempt in held])
    return [Work(attempt, visible.get(attempt.job.run_id, [])) for attempt in held]


def visible_strips(request: HttpRequest, jobs: Sequence[Job]) -> Mapping[int, list[dict[str, Any]]]:
    return strips(list(access.runs(request.user).filter(pk__in=[job.run_id for job in jobs])))


def places_of(workers: Any, present: Sequence[Work]) -> list[Place]:
    at: dict[int, list[Work]] = defaultdict(list)
    for work in present:
        if work.attempt.worker_id:
            at[work.attempt.worker_id].append(work)
    alive = set(Worker.objects.alive().values_list("pk", flat=True))
    return [Place(worker, worker.pk in alive, at[worker.pk]) for worker in workers]


def lines(request: HttpRequest, waiting: Sequence[Job], alive: Sequence[Worker], present: Sequence[Work]) -> list[dict[str, Any]]:
    """A line for each job that waits. A run of another project keeps its place, and no more is told of it."""
    visible, editable = visible_strips(request, waiting), editable_runs(request, waiting)
    free = free_slots(alive, [work.attempt for work in present])
    busy = [Busy(str(work.attempt.worker or ""), work.attempt.job.run.name if work.is_visible else "", work.left_s) for work in present]
    return [
        {
            "job": job if job.run_id in visible else None,
            "stage": stage_of(job),
            "stages": visible.get(job.run_id, []),
            "queued_at": job.queued_at,
            "reason": reason(place, len(alive), free, busy),
            "can_stop": job.run_id in editable,
        }
        for place, job in enumerate(waiting)
    ]


def editable_runs(request: HttpRequest, jobs: Sequence[Job]) -> set[int]:
    return set(access.runs(request.user, "edit").filter(pk__in=[job.run_id for job in jobs]).values_list("pk", flat=True))


def stage_of(job: Job) -> Stage | None:
    """None for a job that trains none."""
    return getattr(job, "stage", None)
