"""What people keep, by program: answers of their own, what they said of answers, and the probe set of a project."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field, TypeAdapter, ValidationError

from dashboard.accounts import access
from dashboard.playground import changes, predicting, right_answers
from dashboard.playground.api import REFUSALS, Precision, refusal, refused
from dashboard.playground.candidates import MAX_COLUMNS, choose
from dashboard.playground.models import MAX_CLASS, MAX_JUDGEMENTS, MAX_KEPT, MAX_PROBES, Judgement, Kept, Probe
from trainer.data.uploads import check_picture, check_text

router = Router(tags=["playground"])
SMALL, LARGE = 160, 384


class KeptAnswer(Schema):
    """`key` names the weights as a link to the playground does."""

    key: str = Field(max_length=80)
    title: str = Field("", max_length=200)
    label: str = Field(alias="class", max_length=MAX_CLASS)
    probability: float = Field(ge=0, le=1)


Answers = TypeAdapter(Annotated[list[KeptAnswer], Field(max_length=MAX_COLUMNS)])


class KeepIn(Schema):
    """`answers` is a JSON list of objects with `key`, `title`, `class` and `probability`."""

    text: str = ""
    answers: str


class KeptOut(Schema):
    id: int
    at: datetime
    text: str
    has_picture: bool
    answers: list[dict[str, Any]]


class JudgeIn(Schema):
    """`said` is the answer of the model, `label` the class that is right."""

    model: int = Field(ge=1, lt=2**63)
    stage: int | None = Field(None, ge=1, le=9999)
    step: int | None = Field(None, ge=0, lt=2**63)
    precision: Precision = "fp32"
    text: str = ""
    said: str = Field(max_length=MAX_CLASS)
    label: str = Field(max_length=MAX_CLASS)


class ProbeIn(Schema):
    run: int = Field(ge=1, lt=2**63)
    text: str = ""


class ProbeOut(Schema):
    """`scores` are those of the run that was asked about, in the order of training."""

    id: int
    text: str
    has_picture: bool
    scores: list[dict[str, Any]]


class ProbesOut(Schema):
    items: list[ProbeOut]
    count: int
    stages: list[dict[str, Any]]
    num_unscored: int


class DatasetIn(Schema):
    project: str


class DatasetOut(Schema):
    name: str
    num_samples: int


Reply = HttpResponse | Status[dict[str, Any]]


# --- answers of one's own ----------------------------------------------------------------------------------------------------


@router.get("/kept", response=list[KeptOut])
def kept(request: HttpRequest) -> list[dict[str, Any]]:
    """What you kept, the newest first; nobody else sees it."""
    found = Kept.objects.filter(user=access.signed_in(request))
    return [{"id": each.pk, "at": each.at, "text": each.text, "has_picture": bool(each.picture), "answers": each.answers} for each in found]


@router.post("/kept", response={201: KeptOut})
def keep(request: HttpRequest, asked: Form[KeepIn], image: File[UploadedFile | None] = None) -> Reply:
    """Keeps a question with its answers; of the picture a small copy. Your oldest ones go beyond 200."""
    user = access.signed_in(request)
    try:
        answers = answers_of(asked.answers)
        row = Kept.objects.create(user=user, text=sentence(asked.text), picture=copy_of(image, SMALL), answers=answers)
    except REFUSALS as error:
        return refusal(error)
    for old in Kept.objects.filter(user=user)[MAX_KEPT:]:
        old.delete()
    return Status(201, {"id": row.pk, "at": row.at, "text": row.text, "has_picture": bool(row.picture), "answers": answers})


def answers_of(text: str) -> list[dict[str, Any]]:
    try:
        return [each.model_dump(by_alias=True) for each in Answers.validate_json(text)]
    except ValidationError as error:
        raise ValueError(_("answers: a JSON list of objects with key, title, class and probability, four at most.")) from error


@router.get("/kept/{kept_id}/picture")
def kept_picture(request: HttpRequest, kept_id: int) -> HttpResponse:
    return picture_of(Kept.objects.filter(user=access.signed_in(request), pk=kept_id).first())


@router.delete("/kept/{kept_id}", response={204: None})
def forget(request: HttpRequest, kept_id: int) -> Status[None]:
    if not Kept.objects.filter(user=access.signed_in(request), pk=kept_id).delete()[0]:
        raise Http404(_("There is nothing of this number."))
    return Status(204, None)


# --- right and wrong ---------------------------------------------------------------------------------------------------------


@router.post("/judgements", response={201: dict[str, Any]})
def judge(request: HttpRequest, asked: Form[JudgeIn], image: File[UploadedFile | None] = None) -> Reply:
    """Says which class is right. Editors of the project may: it becomes part of a data set."""
    run = access.get_run(request.user, asked.model, "edit")
    classes = right_answers.classes_of(run)
    try:
        if asked.label not in classes or asked.said not in classes:
            raise ValueError(_("The classes are %(classes)s.") % {"classes": ", ".join(classes)})
        if Judgement.objects.filter(project=run.project).count() >= MAX_JUDGEMENTS:
            raise ValueError(
                _("The project holds %(most)s judgements: make a data set of them and delete them.") % {"most": MAX_JUDGEMENTS}
            )
        row = Judgement.objects.create(
            project=run.project,
            user=access.signed_in(request),
            run=run,
            weights=choose(run, asked.precision, asked.stage, asked.step).key,
            text=sentence(asked.text),
            picture=copy_of(image, LARGE),
            said=asked.said,
            label=asked.label,
        )
    except REFUSALS as error:
        return refusal(error)
    return Status(201, {"id": row.pk, "count": Judgement.objects.filter(project=run.project).count()})


@router.delete("/judgements/{judgement_id}", response={204: None})
def take_back(request: HttpRequest, judgement_id: int) -> Status[None]:
    """Editors of the project may take any of its judgements back."""
    projects = access.projects(request.user, "edit")
    if not Judgement.objects.filter(project__in=projects, pk=judgement_id).delete()[0]:
        raise Http404(_("There is nothing of this number."))
    return Status(204, None)


@router.post("/datasets", response={201: DatasetOut})
def make_dataset(request: HttpRequest, asked: DatasetIn) -> Reply:
    """Writes the project's judgements as a data set that stages can draw from. Everybody on this server can then train on it."""
    project = access.get_project(request.user, asked.project, "edit")
    try:
        return Status(201, right_answers.write(project))
    except ValueError as error:
        return refused(422, error)


# --- the probe set -----------------------------------------------------------------------------------------------------------


@router.get("/probes", response=ProbesOut)
def probes(request: HttpRequest, run: int) -> dict[str, Any]:
    """The probe set of a run's project, with its scores at the checkpoints of the run."""
    found = access.get_run(request.user, run)
    items = [
        {"id": each.pk, "text": each.text, "has_picture": bool(each.picture), "scores": changes.scores_of(found, each)}
        for each in Probe.objects.filter(project=found.project)
    ]
    return {"items": items, "count": len(items), "stages": changes.stages_of(found), "num_unscored": len(changes.unscored(found))}


@router.post("/probes", response={201: dict[str, Any]})
def add_probe(request: HttpRequest, asked: Form[ProbeIn], image: File[UploadedFile | None] = None) -> Reply:
    """Adds an input to the probe set of a run's project: it is scored at every checkpoint from then on."""
    run = access.get_run(request.user, asked.run, "edit")
    try:
        if Probe.objects.filter(project=run.project).count() >= MAX_PROBES:
            raise ValueError(_("A probe set has %(most)s examples at most. Delete one first.") % {"most": MAX_PROBES})
        text, picture = sentence(asked.text), copy_of(image, LARGE)
        if not text and not picture:
            raise ValueError(_("Give a picture, a sentence or both."))
        row = Probe.objects.create(project=run.project, added_by=access.signed_in(request), text=text, picture=picture)
    except REFUSALS as error:
        return refusal(error)
    return Status(201, {"id": row.pk, "count": Probe.objects.filter(project=run.project).count()})


@router.get("/probes/{probe_id}/picture")
def probe_picture(request: HttpRequest, probe_id: int) -> HttpResponse:
    return picture_of(Probe.objects.filter(project__in=access.projects(request.user), pk=probe_id).first())


@router.delete("/probes/{probe_id}", response={204: None})
def remove_probe(request: HttpRequest, probe_id: int) -> Status[None]:
    if not Probe.objects.filter(project__in=access.projects(request.user, "edit"), pk=probe_id).delete()[0]:
        raise Http404(_("There is nothing of this number."))
    return Status(204, None)


# --- what is kept of an input ------------------------------------------------------------------------------------------------


def sentence(text: str) -> str:
    return check_text(text) if text.strip() else ""


def copy_of(image: UploadedFile | None, side: int) -> bytes:
    """Returns a JPEG that the worker made of it, without anything that the file said beside its pixels; empty without a picture.

    Raises TooLarge, ValueError or Unavailable.
    """
    if image is None:
        return b""
    data = image.read()
    check_picture(data)
    request = {"act": "shrink", "side": side, "image_base64": base64.b64encode(data).decode()}
    return base64.b64decode(predicting.predict(request)["image_base64"])


def picture_of(row: Kept | Probe | None) -> HttpResponse:
    """A picture that a person handed in is sent as what we made of it, and as nothing else."""
    if row is None or not row.picture:
        raise Http404(_("There is no picture."))
    response = HttpResponse(bytes(row.picture), content_type="image/jpeg")
    response["X-Content-Type-Options"], response["Cache-Control"] = "nosniff", "private, max-age=3600"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
