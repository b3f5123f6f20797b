"""Every point of a run, streamed as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from dashboard.accounts import access
from dashboard.api.shapes import ExportAsked
from dashboard.api.submitting import Refused
from dashboard.metrics.export_formats import FORMATS
from dashboard.metrics.exporting import names_of, tables
from dashboard.metrics.names import stored_name

router = Router(tags=["series"])
FILE = {"content": {name: {"schema": {"type": "string", "format": "binary"}} for name in ("text/csv", "application/vnd.apache.parquet")}}


@router.get("/{int:run_id}/export", openapi_extra={"responses": {200: FILE}})
def export_run(request: HttpRequest, run_id: int, asked: Query[ExportAsked]) -> StreamingHttpResponse:
    """Columns stage, attempt, superseded, metric, step, run_step, at (Unix seconds), value; never thinned."""
    run = access.get_run(request.user, run_id)
    metrics = [stored_name(metric) for metric in asked.metric]
    if unknown := names_of(run, metrics):
        raise Refused((["query", "metric"], f"this run has no metric {unknown[0][:100]!r}"))
    write, content_type = FORMATS[asked.format]
    headers = {"Content-Disposition": f'attachment; filename="run-{run.number}.{asked.format}"', "Cache-Control": "private, no-store"}
    pieces = write(tables(run, metrics))
    body = in_turn(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(body, content_type=content_type, headers=headers)


async def in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The database is asked in the request's own thread, a piece at a time."""

    def following() -> bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece
