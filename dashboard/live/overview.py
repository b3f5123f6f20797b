"""What home and list pages keep fresh: the runs that move, in few queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from dashboard.live.state import seconds
from dashboard.metrics.latest import latest_losses
from dashboard.runs.models import ACTIVE, DONE, Attempt, Run, Stage
from dashboard.runs.pace import seconds_per_step

JUST_ENDED = timedelta(minutes=1)
Summary = dict[str, Any]


def overview(project_ids: Collection[int]) -> dict[int, tuple[int, Summary]]:
    """Returns project and summary of every run of these projects that is active or has just ended."""
    moving = Q(status__in=ACTIVE) | Q(ended_at__gt=Now() - JUST_ENDED)
    runs = list(Run.objects.filter(moving, project__in=project_ids, deleted_at=None).only("pk", "project_id", "status"))
    losses = latest_losses([run.pk for run in runs])
    newest = {each.job.run_id: each for each in Attempt.objects.filter(job__run__in=runs).select_related("job", "worker").order_by("pk")}
    stages: dict[int, list[Stage]] = defaultdict(list)
    for stage in Stage.objects.filter(run__in=runs).order_by("run", "index").only("run_id", "index", "status", "last_step", "num_steps"):
        stages[stage.run_id].append(stage)
    return {
        run.pk: (run.project_id, summary(run, stages[run.pk], losses.get(run.pk), newest.get(run.pk))) for run in runs if run.pk in stages
    }


def summary(run: Run, stages: list[Stage], loss: Any, attempt: Attempt | None) -> Summary:
    """`seen_at` is the heartbeat of the worker that holds the run, `interval` the usual seconds between its points; None while unknown."""
    present = next((stage for stage in stages if stage.status not in DONE), stages[-1])
    return {
        "id": run.pk,
        "status": run.status,
        "stage": present.index,
        "progress": [stage.last_step / stage.num_steps for stage in stages],
        "loss": loss,
        "at": seconds(attempt.last_point_at) if attempt else None,
        **heartbeat(attempt),
    }


def heartbeat(attempt: Attempt | None) -> dict[str, Any]:
    """What says whether somebody still works at it: nothing where the attempt has ended."""
    worker = attempt.worker if attempt and attempt.ended_at is None else None
    return {
        "seen_at": seconds(worker.last_seen) if worker else None,
        "worker": worker.name if worker else "",
        "interval": seconds_per_step(attempt),
    }
