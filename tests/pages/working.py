"""A worker in the hands of a test: it claims jobs and records what a trainer would have reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.metrics.writing import write_points
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt, Run, Stage
from dashboard.runs.timeline import write_event, write_log
from trainer.events import encode


def worker() -> Worker:
    return Worker.objects.get_or_create(name="cpu-1", defaults={"host": "cpu", "pid": 1, "started_at": Now(), "last_seen": Now()})[0]


def claim() -> Lease:
    lease = lifecycle.claim(worker())
    assert lease is not None
    return lease


def train(lease: Lease, losses: Mapping[int, float], *, log: str = "", **moments: dict[str, Any]) -> None:
    """Records losses by step, and events by kind: train(lease, {1: 2.0}, evaluated={"step": 1, ...})."""
    attempt = Attempt.objects.get(pk=lease.attempt_id)
    with lifecycle.recording(lease) as update:
        write_points(update, attempt, {"train/loss": list(losses.items())})
        write_log(update, attempt, log)
        for kind, data in moments.items():
            write_event(update, kind, attempt=attempt, **data)
        Attempt.objects.filter(pk=attempt.pk).update(
            first_step=attempt.first_step or min(losses), last_step=max(losses), last_point_at=Now()
        )
        Stage.objects.filter(pk=lease.job_id).update(last_step=max(losses))


def complete(run: Run, *results: Mapping[str, float]) -> None:
    """Takes the run's stages to their end, each with the given results."""
    for numbers in results:
        lease = claim()
        assert lease.run_id == run.pk
        train(lease, {1: 2.0, 2: 1.5})
        Stage.objects.filter(pk=lease.job_id).update(results={name: encode(value) for name, value in numbers.items()})
        lifecycle.finish(lease)
