"""The API of evaluations: list those of a run, ask for one more."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from dashboard.accounts import access
from dashboard.api.shapes import RunId, Text
from dashboard.evaluations import choices
from dashboard.runs.models import Evaluation

router = Router(tags=["runs"])


class EvaluationOut(Schema):
    id: int
    stage: int = Field(description="Index of the stage whose checkpoint it is.")
    checkpoint: str = Field(description="Name of an earlier checkpoint than the stage's last; empty for that one.")
    dataset: str = Field(description="Empty for the data sets of the stage.")
    split: str
    status: str
    error: str
    progress: dict[str, Any]
    figures: dict[str, Any] = Field(description="Empty until it is done.")


class EvaluationList(Schema):
    items: list[EvaluationOut]
    count: int


class EvaluationIn(Schema):
    stage: int = Field(ge=1, le=100)
    checkpoint: Text = ""
    dataset: Text = ""
    split: Text = "test"


def evaluation_out(found: Evaluation) -> dict[str, Any]:
    fields = ("id", "dataset", "split", "status", "error", "progress", "figures")
    told = {name: getattr(found, name) for name in fields}
    return {**told, "stage": found.of_stage.index, "checkpoint": found.checkpoint.rpartition("/")[2]}


@router.get("/{int:run_id}/evaluations", response=EvaluationList)
def read_evaluations(request: HttpRequest, run_id: RunId) -> dict[str, Any]:
    """The newest first."""
    run = access.get_run(request.user, run_id)
    found = Evaluation.objects.filter(run=run).select_related("of_stage").order_by("-pk")
    return {"items": [evaluation_out(each) for each in found], "count": len(found)}


@router.post("/{int:run_id}/evaluations", response={201: EvaluationOut})
def ask_evaluation(request: HttpRequest, run_id: RunId, body: EvaluationIn) -> Status[dict[str, Any]]:
    """Of the last checkpoint of a stage, or of an earlier one by its name."""
    run = access.get_run(request.user, run_id, "edit")
    key = f"{body.stage}/{body.checkpoint}" if body.checkpoint else str(body.stage)
    job = choices.ask(run, access.signed_in(request), checkpoint=key, dataset=body.dataset, split=body.split)
    return Status(201, evaluation_out(Evaluation.objects.select_related("of_stage").get(pk=job.pk)))
