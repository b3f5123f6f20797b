"""`POST /playground/predictions`: a picture and a sentence in, class and probabilities out. What is handed in is judged first."""

from __future__ import annotations

import base64
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from dashboard.accounts import access
from dashboard.playground import predicting
from dashboard.playground.candidates import folder_of
from trainer.data.uploads import TooLarge, check_picture, check_text

router = Router(tags=["playground"])


class Asked(Schema):
    """`model` is the id of a run."""

    model: int = Field(ge=1)
    text: str = ""
    precision: Literal["fp32", "int8"] = "fp32"


class PredictIn(Schema):
    model: int = Field(ge=1)
    text: str = ""
    precision: Literal["fp32", "int8"] = "fp32"


class PredictionOut(Schema):
    """`latency_ms` runs from the bytes to the probabilities in a warm process."""

    model: int
    precision: str
    label: str = Field(alias="class")
    probabilities: dict[str, float]
    latency_ms: float


ALSO = {413: {"description": "Too large"}, 503: {"description": "No worker answers"}}


@router.post("/predictions", response=PredictionOut, by_alias=True, openapi_extra={"responses": ALSO})
def predict(request: HttpRequest, asked: Form[PredictIn], image: File[UploadedFile | None] = None) -> HttpResponse | dict[str, Any]:
    """`model` is the id of a run. A model that looks at one of the two inputs alone takes the other one as missing."""
    run = access.get_run(request.user, asked.model)
    inputs = run.config["model"]["inputs"]
    try:
        picture = checked_picture(image, wanted=inputs != "text")
        sentence = check_text(asked.text) if asked.text or inputs != "image" else None
        answer = predicting.predict(folder_of(run, asked.precision), asked.precision, picture, sentence)
    except TooLarge as error:
        return refused(413, error)
    except ValueError as error:
        return refused(422, error)
    except predicting.Unavailable as error:
        return refused(503, error)
    return {"model": run.pk, **{name: answer[name] for name in ("class", "precision", "probabilities", "latency_ms")}}


def checked_picture(image: UploadedFile | None, *, wanted: bool) -> str | None:
    """Returns the picture in base64. Raises TooLarge or ValueError, before anything is decoded."""
    if image is None and wanted:
        raise ValueError("This model looks at a picture: give one.")
    if image is None:
        return None
    data = image.read()
    check_picture(data)
    return base64.b64encode(data).decode()


def refused(status: int, error: Exception) -> JsonResponse:
    return JsonResponse({"detail": str(error), "errors": []}, status=status)
