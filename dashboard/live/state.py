"""Reads the present state of a run in the words of the wire contract."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from dashboard.live.messages import AsideState, AttemptState, Origin, QuantizationState, RunState, StageState
from dashboard.runs.models import Attempt, Job, Quantization, Run, Stage


def seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def run_state(run: Run) -> RunState:
    return {"status": run.status, "started_at": seconds(run.started_at), "ended_at": seconds(run.ended_at)}


def attempt_state(attempt: Attempt) -> AttemptState:
    return {
        "number": attempt.number,
        "first_step": attempt.first_step,
        "last_step": attempt.last_step,
        "outcome": attempt.outcome,
        "worker": attempt.worker.name if attempt.worker else "",
    }


def origin(stage: Stage) -> Origin | None:
    source = stage.reused_from
    return {"run": source.run_id, "number": source.run.number} if source else None


def stage_state(stage: Stage, attempts: list[Attempt]) -> StageState:
    return {
        "index": stage.index,
        "name": stage.name,
        "status": stage.status,
        "last_step": stage.last_step,
        "num_steps": stage.num_steps,
        "attempts": [attempt_state(attempt) for attempt in attempts],
        "results": stage.results,
        "error": stage.error,
        "started_at": seconds(stage.started_at),
        "ended_at": seconds(stage.ended_at),
        "reused_from": origin(stage),
    }


def stage_states(run_id: int) -> list[StageState]:
    """Two queries, however many stages and attempts. The attempts of a reused stage are those that made its points."""
    stages = list(Stage.objects.filter(run=run_id).select_related("reused_from__run").order_by("index"))
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(job__in=[stage.trained_by for stage in stages]).select_related("worker").order_by("number"):
        attempts[attempt.job_id].append(attempt)
    return [stage_state(stage, attempts[stage.trained_by]) for stage in stages]


def quantization_state(run_id: int) -> QuantizationState | None:
    """Of the newest. Only which rows there are: a page that shows them has the server draw them."""
    job = Quantization.objects.filter(run=run_id).order_by("-pk").first()
    return {"status": job.status, "rows": [row["precision"] for row in job.rows], "error": job.error} if job else None


def aside_states(run_id: int) -> list[AsideState]:
    """What is done beside the run's own work."""
    fields = ("id", "kind", "status", "error", "progress")
    return [{name: getattr(job, name) for name in fields} for job in Job.objects.filter(run=run_id, aside=True).order_by("pk")]  # type: ignore[misc]
