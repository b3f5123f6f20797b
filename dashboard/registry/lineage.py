"""Where a version comes from, as a document that outlives the run: run, stages, data sets with fingerprints, config, code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from dashboard.accounts.models import User
from dashboard.registry.models import RegisteredModel
from dashboard.registry.sources import Source
from dashboard.runs.models import Run, Stage
from trainer import catalog
from trainer.catalog import Card


def lineage_of(source: Source, model: RegisteredModel, number: int, by: User, at: str) -> dict[str, Any]:
    """Two queries. What a stage was trained on was noted when its trainer started; one that was reused tells who trained it."""
    stage, run = source.stage, source.stage.run
    stages = list(run.stages.filter(index__lte=stage.index).select_related("reused_from__run"))
    return {
        "model": model.name,
        "version": number,
        "precision": source.precision,
        "registered_by": by.username,
        "registered_at": at,
        "run": told_of(run),
        "stage": stage.index,
        "stages": [stage_told(each) for each in stages],
        "data": data_of(stages, catalog.load([settings.DATASETS_DIR])),
        "metrics": source.metrics,
        "gate": source.gate,
        "code": {"trainer": stage.inputs.get("version"), "torch": torch_of(source)},
        "config": {**run.config, "stages": run.config["stages"][: stage.index]},
    }


def told_of(run: Run) -> dict[str, Any]:
    fields = {"id": run.pk, "number": run.number, "name": run.name, "project": run.project.slug, "recipe": run.recipe}
    return {**fields, "owner": run.owner.username, "created_at": run.created_at.isoformat(timespec="seconds")}


def stage_told(stage: Stage) -> dict[str, Any]:
    trained = stage.reused_from
    return {
        "index": stage.index,
        "name": stage.name,
        "steps": stage.last_step,
        "tasks": [task["kind"] for task in stage.config["tasks"]],
        "data": stage.inputs.get("data", {}),
        "key": stage.key,
        "device": stage.device,
        "trained_by": {"id": trained.run_id, "number": trained.run.number, "name": trained.run.name} if trained else None,
    }


def data_of(stages: Sequence[Stage], cards: Mapping[str, Card]) -> dict[str, dict[str, Any]]:
    """Every data set once. Title and licence are told only where the data is still what the stage was trained on."""
    used = {name: fingerprint for stage in stages for name, fingerprint in stage.inputs.get("data", {}).items()}
    found: dict[str, dict[str, Any]] = {}
    for name, fingerprint in sorted(used.items()):
        card = cards.get(name)
        same = card is not None and card.fingerprint == fingerprint
        found[name] = {"fingerprint": fingerprint, **({"title": card.title, "licence": card.licence} if card and same else {})}
    return found


def torch_of(source: Source) -> str:
    """The version that trained, as the checkpoint notes it; empty for one that does not."""
    state = settings.RUNS_DIR / source.stage.checkpoint / "state.json"
    try:
        return str(json.loads(state.read_text()).get("torch", ""))
    except (OSError, ValueError, AttributeError):
        return ""
