"""Answers that come one after the other: a line of JSON each, as soon as it is known. When the reader leaves, the work ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from dashboard.playground import predicting
from dashboard.playground.wire import SLOW

Line = dict[str, Any]
# What a line tells of its subject, and the question about it; a sentence in its place says why it cannot be asked.
Question = tuple[Line, dict[str, Any] | str]


def stream(lines: AsyncIterator[Line]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(encoded(lines), content_type="application/x-ndjson")
    # Nothing on the way may wait for more of it.
    response["Cache-Control"], response["X-Accel-Buffering"] = "no-store", "no"
    return response


async def encoded(lines: AsyncIterator[Line]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


async def answers(questions: Iterable[Question], lane: str = SLOW) -> AsyncIterator[Line]:
    """Yields what each line told, with its answer, or with an `error`; a worker that is away ends it."""
    # The next question may have to be read from a file or the database.
    left = iter(questions)
    while found := await sync_to_async(lambda: next(left, None))():
        told, question = found
        if isinstance(question, str):
            yield {**told, "error": question}
            continue
        ticket = predicting.new_id()
        try:
            reply = await sync_to_async(predicting.predict)(question, ticket, lane)
            yield {**told, **{name: value for name, value in reply.items() if name != "id"}}
        except ValueError as error:
            yield {**told, "error": str(error)}
        except predicting.Unavailable as error:
            yield {**told, "error": str(error)}
            return
        except BaseException:
            # The reader has left: what was asked for him need not be answered.
            predicting.cancel(ticket, lane)
            raise
