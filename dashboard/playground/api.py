"""The playground by program: a picture and a sentence in, what a model says of them and why out. What is handed in is judged first."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field

from dashboard.accounts import access
from dashboard.playground import predicting
from dashboard.playground.candidates import Candidate, choose, of_run
from dashboard.playground.served import KEY, served
from dashboard.playground.wire import PREDICT_SERVED, QUICK, SERVED, SLOW
from dashboard.runs.models import Run
from trainer.data.uploads import TooLarge, check_picture, check_text

router = Router(tags=["playground"])
Precision = Literal["fp32", "bf16", "int8", "int8_ptq", "int8_qat"]
Lane = Literal["quick", "slow", "language", "served"]
RunId = Annotated[int, Field(ge=1, lt=2**63)]
ServedKey = Annotated[str, Field(pattern=KEY.pattern)]


class PredictIn(Schema):
    """`model` is the id of a run. Without a stage its newest finished stage that learnt sentiment is asked, without a step the stage's
    last checkpoint. `triton.NAME` is a model of the Triton that the administrator named (see `served`).
    `ticket` is a name of your own under which `requests/{ticket}` knows the question while it waits."""

    model: RunId | ServedKey
    stage: int | None = Field(None, ge=1, le=9999)
    step: int | None = Field(None, ge=0, lt=2**63)
    text: str = ""
    precision: Precision = "fp32"
    ticket: str = Field("", pattern=r"^([A-Za-z0-9_-]{8,40})?$")


class PredictionOut(Schema):
    """`latency_ms` runs from the bytes to the probabilities in a warm process; `latency_ms_p50` is the median of its last answers.

    Of a model of a Triton elsewhere, stage, step and precision are not known, and the latency has the network in it.
    """

    model: int | str
    stage: int | None = None
    step: int | None = None
    precision: str | None = None
    label: str = Field(alias="class")
    probabilities: dict[str, float]
    latency_ms: float
    latency_ms_p50: float | None = None
    num_timed: int | None = None
    size_bytes: int | None = None
    runtime: str = ""


class Standing(Schema):
    """`state`: queued (with a position), loading, working, or unknown."""

    state: str
    position: int


class Weights(Schema):
    """`key` is its name in a link to the playground, `folder` what `python -m trainer predict` takes."""

    key: str
    run: int
    run_name: str
    stage: int
    stage_name: str
    step: int
    precision: str
    is_last: bool
    inputs: str
    folder: str
    project: str
    can_edit: bool


class WeightsOut(Schema):
    items: list[Weights]
    count: int


ALSO = {413: {"description": "Too large"}, 503: {"description": "No worker answers"}}


@router.post("/predictions", response=PredictionOut, by_alias=True, openapi_extra={"responses": ALSO})
def predict(request: HttpRequest, asked: Form[PredictIn], image: File[UploadedFile | None] = None) -> HttpResponse | dict[str, Any]:
    """A model that looks at one of the two inputs alone takes the other one as missing."""
    return answered(request, asked, image, "predict", QUICK)


@router.post("/explanations", openapi_extra={"responses": ALSO})
def explain(request: HttpRequest, asked: Form[PredictIn], image: File[UploadedFile | None] = None) -> HttpResponse | dict[str, Any]:
    """Why: where it looked, which words counted, what image alone and text alone would say. A checkpoint is explained by its gradients,
    a quantized model by hiding one piece after the other; each part names its method."""
    return answered(request, asked, image, "explain", SLOW)


@router.get("/models", response=WeightsOut)
def models(request: HttpRequest, run: int) -> dict[str, Any]:
    """The weights of a run that can be asked: every checkpoint that lies on disk, and what was quantized."""
    chosen = access.get_run(request.user, run)
    rights = {"project": chosen.project.slug, "can_edit": access.has_right(request.user, chosen.project, "edit")}
    found = [each.facts() | rights for each in of_run(chosen)]
    return {"items": found, "count": len(found)}


@router.get("/requests/{ticket}", response=Standing)
def standing(request: HttpRequest, ticket: str, lane: Lane = "quick") -> HttpResponse | dict[str, Any]:
    """How a question of yours stands while its answer is awaited."""
    try:
        return predicting.standing(named(request, ticket), lane)
    except predicting.Unavailable as error:
        return refused(503, error)


@router.delete("/requests/{ticket}", response={204: None})
def cancel(request: HttpRequest, ticket: str, lane: Lane = "quick") -> HttpResponse | Status[None]:
    """Takes a question of yours back. Who waits for its answer gets 409."""
    try:
        predicting.cancel(named(request, ticket), lane)
    except predicting.Unavailable as error:
        return refused(503, error)
    return Status(204, None)


def answered(request: HttpRequest, asked: PredictIn, image: UploadedFile | None, act: str, lane: str) -> HttpResponse | dict[str, Any]:
    try:
        if isinstance(asked.model, str):
            question, told, lane = served_question(asked.model, image, asked.text, act), {"model": asked.model}, SERVED
        else:
            question, told = trained_question(access.get_run(request.user, asked.model), asked, image, act)
        reply = predicting.predict(question, named(request, asked.ticket), lane)
    except predicting.Cancelled as error:
        return refused(409, error)
    except REFUSALS as error:
        return refusal(error)
    return {name: value for name, value in reply.items() if name != "id"} | told


def trained_question(run: Run, asked: PredictIn, image: UploadedFile | None, act: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the request, and what the answer tells of the weights. Raises TooLarge or ValueError."""
    chosen = choose(run, asked.precision, asked.stage, asked.step)
    told = {"model": run.pk, "stage": chosen.stage.index, "step": chosen.step, "precision": chosen.precision}
    return {"act": act, **question_to(chosen, image, asked.text)}, told


def served_question(key: str, image: UploadedFile | None, text: str, act: str) -> dict[str, Any]:
    """What was given is judged here, what is missing the worker says: it learns from the server what the model looks at.

    Raises TooLarge, ValueError or Http404.
    """
    model = served(key)
    if model is None:
        raise Http404(_("This server offers no Triton."))
    if act != "predict":
        raise ValueError(_("A Triton server gives answers alone."))
    given = {"image_base64": checked_picture(image, wanted=False), "text": check_text(text) if text.strip() else None}
    return {"act": PREDICT_SERVED, "served": model.name, **given}


def question_to(chosen: Candidate, image: UploadedFile | None, text: str) -> dict[str, Any]:
    """Returns the fields of a request. Raises TooLarge or ValueError for what the model cannot be asked."""
    picture = checked_picture(image, wanted=chosen.inputs != "text")
    sentence = check_text(text) if text or chosen.inputs != "image" else None
    return {"folder": chosen.folder, "precision": chosen.precision, "image_base64": picture, "text": sentence}


def named(request: HttpRequest, ticket: str) -> str:
    """A ticket belongs to the person who made it up: another one's is another question."""
    return f"{request.user.pk}-{ticket}" if ticket else ""


def checked_picture(image: UploadedFile | None, *, wanted: bool) -> str | None:
    """Returns the picture in base64. Raises TooLarge or ValueError, before anything is decoded."""
    if image is None and wanted:
        raise ValueError("This model looks at a picture: give one.")
    if image is None:
        return None
    data = image.read()
    check_picture(data)
    return base64.b64encode(data).decode()


REFUSALS = (ValueError, predicting.Unavailable)


def refusal(error: Exception) -> JsonResponse:
    """What is too large, what cannot be used, and that nobody can answer now."""
    if isinstance(error, TooLarge):
        return refused(413, error)
    return refused(503 if isinstance(error, predicting.Unavailable) else 422, error)


def refused(status: int, error: Exception) -> JsonResponse:
    return JsonResponse({"detail": str(error), "errors": []}, status=status)
