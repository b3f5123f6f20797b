"""What a Triton elsewhere offers to the playground, by program."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from dashboard.playground import predicting
from dashboard.playground.api import refused
from dashboard.playground.served import offered

router = Router(tags=["playground"])


class ServedModel(Schema):
    """`key` is what a question names as its `model`, `served` the model's name on the server."""

    key: str
    served: str
    inputs: str


class ServedOut(Schema):
    items: list[ServedModel]
    count: int


@router.get("/served", response=ServedOut, openapi_extra={"responses": {503: {"description": "No worker or no server answers"}}})
def list_served(request: HttpRequest) -> HttpResponse | dict[str, Any]:
    """The models of the Triton that the administrator named, if one is named, that can be asked now."""
    try:
        found = [each.facts() for each in offered()]
    except predicting.Unavailable as error:
        return refused(503, error)
    return {"items": found, "count": len(found)}
