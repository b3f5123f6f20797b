"""The API of runs: list, submit, read, stop, resume, retry, fork, series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from dashboard.accounts import access
from dashboard.accounts.models import Project, User
from dashboard.api import submitting
from dashboard.api.shapes import (
    ForkIn,
    QuantizationList,
    RunDetailOut,
    RunList,
    RunOut,
    RunsAsked,
    StageList,
    SubmitIn,
)
from dashboard.metrics import reading
from dashboard.runs import deletion, lifecycle
from dashboard.runs.models import Attempt, Quantization, Run, Stage
from dashboard.runs.rows import some

router = Router(tags=["runs"])
STAGE_FIELDS = ("index", "name", "status", "last_step", "num_steps", "results", "error", "ledger", "expert_loads", "watched")
RUN_FIELDS = ("id", "number", "name", "status", "recipe", "forked_stage", "created_at", "started_at", "ended_at")


def stage_out(stage: Stage, attempts: int) -> dict[str, Any]:
    fields = {name: getattr(stage, name) for name in STAGE_FIELDS}
    return {**fields, "attempts": attempts, "reused_from": stage.reused_from.run_id if stage.reused_from else None}


def runs_out(runs: list[Run]) -> list[dict[str, Any]]:
    """Two queries for all stages of all runs."""
    stages = list(Stage.objects.filter(run__in=runs).select_related("reused_from").order_by("run", "index"))
    attempts = Counter(Attempt.objects.filter(job__run__in=runs).values_list("job_id", flat=True))
    return [
        {
            **{name: getattr(run, name) for name in RUN_FIELDS},
            "forked_from": run.forked_from_id,
            "project": run.project.slug,
            "owner": run.owner.username,
            "stages": [stage_out(stage, attempts[stage.pk]) for stage in stages if stage.run_id == run.pk],
        }
        for run in runs
    ]


@router.get("", response=RunList)
def list_runs(request: HttpRequest, asked: Query[RunsAsked]) -> dict[str, Any]:
    found = access.runs(request.user)
    if asked.status:
        found = found.filter(status=asked.status)
    return {"items": runs_out(some(found, asked.offset, asked.offset + asked.limit)), "count": found.count()}


@router.post("", response={201: RunOut})
def submit_run(request: HttpRequest, body: SubmitIn) -> Status[dict[str, Any]]:
    project = project_for(request, body.project)
    config = submitting.config_of(body)
    name, owner = body.name or submitting.suggest_name(), access.signed_in(request)
    run = lifecycle.submit(project, owner, name, config, recipe=body.recipe, reuse=body.reuse)
    return Status(201, runs_out([run])[0])


def project_for(request: HttpRequest, slug: str) -> Project:
    """The named project, or the only one in which the caller may start runs."""
    if slug:
        return access.get_project(request.user, slug, "edit")
    return submitting.only_project(list(access.projects(request.user, "edit")))


@router.get("/{int:run_id}", response=RunDetailOut)
def read_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    run = access.get_run(request.user, run_id)
    return {**runs_out([run])[0], "config": run.config}


@router.delete("/{int:run_id}", response={204: None})
def delete_run(request: HttpRequest, run_id: int) -> Status[None]:
    """For good, with its points, log and checkpoints. 409 where it has not ended, or another run shows stages that it trained."""
    deletion.delete(access.get_run(request.user, run_id, "edit"))
    return Status(204, None)


@router.get("/{int:run_id}/stages", response=StageList)
def read_stages(request: HttpRequest, run_id: int) -> dict[str, Any]:
    stages = runs_out([access.get_run(request.user, run_id)])[0]["stages"]
    return {"items": stages, "count": len(stages)}


@router.post("/{int:run_id}/stop", response=RunOut)
def stop_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    return act(request, run_id, lifecycle.request_stop)


@router.post("/{int:run_id}/resume", response=RunOut)
def resume_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    return act(request, run_id, lifecycle.resume)


@router.post("/{int:run_id}/retry", response=RunOut)
def retry_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    return act(request, run_id, lifecycle.retry)


@router.post("/{int:run_id}/fork", response={201: RunOut})
def fork_run(request: HttpRequest, run_id: int, body: ForkIn) -> Status[dict[str, Any]]:
    """A new run with the same config, changed by the overrides; its stages before `stage` are not trained again."""
    run = submitting.forked(access.get_run(request.user, run_id, "edit"), body, access.signed_in(request))
    return Status(201, runs_out([run])[0])


def act(request: HttpRequest, run_id: int, verb: Callable[[Run, User], None]) -> dict[str, Any]:
    run = access.get_run(request.user, run_id, "edit")
    verb(run, access.signed_in(request))
    run.refresh_from_db()
    return runs_out([run])[0]


@router.get("/{int:run_id}/metrics", response=list[str])
def list_metrics(request: HttpRequest, run_id: int) -> list[str]:
    return reading.metric_names(access.get_run(request.user, run_id))


@router.get("/{int:run_id}/quantizations", response=QuantizationList)
def read_quantizations(request: HttpRequest, run_id: int) -> dict[str, Any]:
    job = Quantization.objects.filter(run=access.get_run(request.user, run_id)).order_by("-pk").first()
    rows = job.rows if job else []
    return {"items": rows, "count": len(rows)}
