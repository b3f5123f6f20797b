"""The API of load tests: list those of a run, ask for one more."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from dashboard.accounts import access
from dashboard.api.shapes import RunId
from dashboard.runs.models import LoadTest
from dashboard.serving import choices
from trainer.config.serving import Serving

router = Router(tags=["runs"])


class LoadTestOut(Schema):
    id: int
    status: str
    error: str
    progress: dict[str, Any]
    asked: dict[str, Any]
    server: dict[str, str] = Field(description="Version of Triton and what computes the graph in it; empty until it runs.")
    rows: list[dict[str, Any]] = Field(
        description="The deployment table: protocol, concurrency, throughput_per_s, latency_ms_p50, latency_ms_p99, batch_sizes, costs."
    )


class LoadTestList(Schema):
    items: list[LoadTestOut]
    count: int


class LoadTestIn(Schema):
    model_config = ConfigDict(extra="forbid")

    precision: Literal["fp32", "int8"] = "fp32"
    entrance: Literal["pipeline", "model"] = "pipeline"
    protocols: list[Literal["http", "grpc"]] = ["http", "grpc"]
    concurrencies: list[int] = [1, 2, 4, 8, 16]
    seconds: float = 5.0
    hourly_price: float = 0.0
    serving: Serving = Serving()


@router.get("/{int:run_id}/load-tests", response=LoadTestList)
def read_load_tests(request: HttpRequest, run_id: RunId) -> dict[str, Any]:
    """The newest first."""
    found = list(LoadTest.objects.filter(run=access.get_run(request.user, run_id)).order_by("-pk"))
    return {"items": found, "count": len(found)}


@router.post("/{int:run_id}/load-tests", response={201: LoadTestOut})
def ask_load_test(request: HttpRequest, run_id: RunId, body: LoadTestIn) -> Status[LoadTest]:
    """Of the newest export of the run; a Triton is started for it on the worker's machine."""
    run = access.get_run(request.user, run_id, "edit")
    job = choices.ask(run, access.signed_in(request), body.model_dump())
    return Status(201, LoadTest.objects.get(pk=job.pk))
