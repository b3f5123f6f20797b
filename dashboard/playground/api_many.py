"""What takes longer by program: a batch of inputs, an input or the probe set at every checkpoint. Lines of JSON come as they are known."""

from __future__ import annotations

from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponseBase
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from dashboard.accounts import access
from dashboard.playground import batches, changes, predicting
from dashboard.playground.api import REFUSALS, Precision, checked_picture, refusal, refused
from dashboard.playground.candidates import choose, newest_of
from dashboard.playground.streaming import Line, answers, stream
from trainer.data.uploads import check_text

router = Router(tags=["playground"])


class BatchIn(Schema):
    model: int = Field(ge=1, lt=2**63)
    stage: int | None = Field(None, ge=1, le=9999)
    step: int | None = Field(None, ge=0, lt=2**63)
    precision: Precision = "fp32"


class ChangeIn(Schema):
    run: int = Field(ge=1, lt=2**63)
    text: str = ""


class RunIn(Schema):
    run: int = Field(ge=1, lt=2**63)


@router.post("/batches")
def batch(request: HttpRequest, asked: Form[BatchIn], files: File[list[UploadedFile]]) -> HttpResponseBase:
    """Pictures, with a CSV (columns `file`, `text`) for their sentences, or one ZIP archive of both. The first line has the `count`,
    each later one a `name` with the answer or an `error`."""
    run = access.get_run(request.user, asked.model)
    try:
        chosen = choose(run, asked.precision, asked.stage, asked.step)
        count, questions = batches.questions(chosen, files)
        predicting.require_worker()
    except REFUSALS as error:
        return refusal(error)
    return stream(counted(count, answers(questions)))


async def counted(count: int, lines: AsyncIterator[Line]) -> AsyncIterator[Line]:
    yield {"count": count}
    async for line in lines:
        yield line


@router.post("/changes")
def change(request: HttpRequest, asked: Form[ChangeIn], image: File[UploadedFile | None] = None) -> HttpResponseBase:
    """How the answer to one input changed while a run was trained: a line for each checkpoint that lies on disk. The first line has
    `stages` and the `count`."""
    run = access.get_run(request.user, asked.run)
    newest = newest_of(run)
    try:
        if newest is None:
            raise ValueError(f"{run.name} has no finished sentiment stage to ask.")
        picture = checked_picture(image, wanted=newest.inputs != "text")
        text = check_text(asked.text) if newest.inputs != "image" else None
        predicting.require_worker()
    except REFUSALS as error:
        return refusal(error)
    head = {"stages": changes.stages_of(run), "count": len(changes.checkpoints_of(run))}
    return stream(headed(head, answers(changes.questions_about(run, picture, text))))


async def headed(head: Line, lines: AsyncIterator[Line]) -> AsyncIterator[Line]:
    """The answer to a single input is the only one of its line."""
    yield head
    async for line in lines:
        yield {**line, "probabilities": line["probabilities"][0]} if "probabilities" in line else line


@router.post("/scores")
def score(request: HttpRequest, asked: Form[RunIn]) -> HttpResponseBase:
    """Scores the project's probe set at the checkpoints of a run where that is missing; a line for each, with `done` and `count`."""
    run = access.get_run(request.user, asked.run)
    missing = changes.unscored(run)
    try:
        if missing:
            predicting.require_worker()
    except predicting.Unavailable as error:
        return refused(503, error)
    return stream(changes.score_all(missing))
