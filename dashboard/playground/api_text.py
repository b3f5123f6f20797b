"""Language models by program: a prompt in, its continuation out, a line of JSON for each piece as soon as it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from ninja import Router, Schema
from pydantic import Field
from redis.exceptions import RedisError

from dashboard.accounts import access
from dashboard.playground import predicting, speakers
from dashboard.playground.api import REFUSALS, refusal
from dashboard.playground.streaming import Line, stream
from dashboard.playground.wire import LANGUAGE, STATE
from trainer.data.uploads import check_text

router = Router(tags=["playground"])
AWAY = "The message server does not answer. Try again in a moment."


class GenerateIn(Schema):
    """`model` is the id of a run; without a stage the last finished one is asked. At a temperature of 0 the likeliest token is taken."""

    model: int = Field(ge=1, lt=2**63)
    stage: int | None = Field(None, ge=1, le=9999)
    prompt: str
    temperature: float = Field(0.8, ge=0, le=5, allow_inf_nan=False)
    top_k: int = Field(50, ge=0, le=100_000)
    max_tokens: int = Field(200, ge=1, le=2000)
    seed: int = Field(0, ge=0, lt=2**63)
    as_chat: bool = False


@router.post("/generations")
def generate(request: HttpRequest, asked: GenerateIn) -> HttpResponseBase:
    """Lines with `text` until the last one, which has all of it in `whole`, `num_tokens`, `tokens_per_s` and `ended` (end, length or
    stopped), or an `error`. Who hangs up ends the generation."""
    run = access.get_run(request.user, asked.model)
    try:
        stage = speakers.choose(run, asked.stage)
        prompt = check_text(asked.prompt)
        predicting.require_worker()
    except REFUSALS as error:
        return refusal(error)
    manner = asked.model_dump(include={"temperature", "top_k", "max_tokens", "seed", "as_chat"})
    return stream(spoken({"act": "generate", "folder": stage.checkpoint, "text": prompt, "manner": manner}))


async def spoken(question: dict[str, Any]) -> AsyncIterator[Line]:
    ticket = predicting.new_id()
    replies = predicting.replies({**question, "id": ticket}, LANGUAGE)
    try:
        while reply := await sync_to_async(lambda: next(replies, None))():
            if line := line_of(reply):
                yield line
    except (RedisError, OSError):
        yield {"error": AWAY}
    except BaseException:
        # The reader has left: the model need not go on.
        predicting.cancel(ticket, LANGUAGE)
        raise


def line_of(reply: Line) -> Line:
    """What a reader is told of a reply of `trainer serve`; nothing of one that only says how far the work is."""
    if reply.get(STATE) == "said":
        return {"text": reply["text"]}
    if STATE in reply:
        return {"state": reply[STATE]}
    told = {name: value for name, value in reply.items() if name not in ("id", "text", "kind")}
    return told if "error" in reply else {**told, "whole": reply["text"]}
