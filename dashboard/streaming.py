"""Sends what is made piece by piece, without keeping anybody waiting who is served beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest


def body(request: HttpRequest, pieces: Iterator[bytes]) -> Iterator[bytes] | AsyncIterator[bytes]:
    """What a StreamingHttpResponse takes for this request."""
    return in_turn(pieces) if isinstance(request, ASGIRequest) else pieces


async def in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Database and disk are asked in the request's own thread, a piece at a time."""

    def following() -> bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece
