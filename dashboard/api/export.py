"""Every point of a run, streamed as a file."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from dashboard.accounts import access
from dashboard.api.shapes import ExportAsked
from dashboard.api.submitting import Refused
from dashboard.metrics.export_formats import FORMATS
from dashboard.metrics.exporting import names_of, tables
from dashboard.metrics.names import stored_name
from dashboard.streaming import body

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
    return StreamingHttpResponse(body(request, pieces), content_type=content_type, headers=headers)
