"""Series of runs, as many in one request as a page shows: thinned, over any axis, and not sent again where nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from ninja import Query, Router

from dashboard.accounts import access
from dashboard.api.shapes import LONGEST_METRIC, ManySeriesAsked, ManySeriesOut, SeriesAsked, SeriesOut, WindowAsked
from dashboard.api.submitting import Refused
from dashboard.metrics import wire
from dashboard.metrics.answers import answers
from dashboard.metrics.names import stored_name
from dashboard.metrics.parts import Ask, Piece
from dashboard.runs.models import Run

router = Router(tags=["series"])
BINARY = "application/octet-stream"
MOST_SERIES = 2_000
MOST_POINTS = 2_000_000


@router.get("/runs/{int:run_id}/series", response=SeriesOut)
def read_series(request: HttpRequest, run_id: int, asked: Query[SeriesAsked]) -> HttpResponse:
    """One series as JSON, or packed little-endian by `Accept: application/octet-stream`."""
    run = access.get_run(request.user, run_id)
    check(asked)
    ask = Ask(run, Piece(stored_name(asked.metric), asked.attempt, asked.low, asked.high), asked.stage)
    return answered(request, [ask], asked, is_single=True)


@router.get("/series", response=ManySeriesOut)
def read_many_series(request: HttpRequest, asked: Query[ManySeriesAsked]) -> HttpResponse:
    """Every metric of every stage of every run: runs outermost, metrics innermost. In binary, blocks back to back."""
    runs = runs_of(request, list(dict.fromkeys(asked.run)))
    check_many(asked)
    metrics = list(dict.fromkeys(stored_name(metric) for metric in asked.metric))
    stages: list[int | None] = [*dict.fromkeys(asked.stage)] or [None]
    asks = [Ask(run, Piece(metric, None, asked.low, asked.high), stage) for run in runs for stage in stages for metric in metrics]
    return answered(request, asks, asked, is_single=False)


def runs_of(request: HttpRequest, ids: Sequence[int]) -> list[Run]:
    found = access.runs(request.user).defer("config").in_bulk(ids)
    if len(found) < len(ids):
        raise Http404("No such run.")
    return [found[run_id] for run_id in ids]


def check(asked: WindowAsked) -> None:
    if asked.high < asked.low:
        raise Refused((["query", "to"], "the window ends before it begins"))
    if isinstance(asked, SeriesAsked) and asked.attempt and not asked.stage:
        raise Refused((["query", "stage"], "an attempt is one of a stage: name the stage"))


def check_many(asked: ManySeriesAsked) -> None:
    check(asked)
    if any(not 1 <= stage <= 12 for stage in asked.stage):
        raise Refused((["query", "stage"], "stages are numbered from 1 to 12"))
    if any(len(metric) > LONGEST_METRIC for metric in asked.metric):
        raise Refused((["query", "metric"], f"a name has at most {LONGEST_METRIC} characters"))
    number = len(asked.run) * len(asked.metric) * max(len(asked.stage), 1)
    if number > MOST_SERIES:
        raise Refused((["query", "metric"], f"{number} series are more than the {MOST_SERIES} of one request"))
    if number * asked.max_points > MOST_POINTS:
        raise Refused((["query", "max_points"], f"at most {MOST_POINTS} points in one request: {MOST_POINTS // number} for each series"))


def answered(request: HttpRequest, asks: Sequence[Ask], asked: WindowAsked, *, is_single: bool) -> HttpResponse:
    """Nothing is read where the caller has it already."""
    is_binary = BINARY in request.headers.get("Accept", "")
    headers = {"ETag": tag(request, asks, is_binary=is_binary), "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if unchanged := get_conditional_response(request, etag=headers["ETag"]):
        for name, value in headers.items():
            unchanged.headers[name] = value
        return unchanged
    found = answers(asks, asked.max_points, asked.x)
    if is_binary:
        return HttpResponse(wire.to_bytes(found), content_type=BINARY, headers=headers)
    documents = [wire.to_document(each) for each in found]
    body: dict[str, Any] = documents[0] if is_single else {"items": documents, "count": len(documents)}
    return HttpResponse(orjson.dumps(body), content_type="application/json; charset=utf-8", headers=headers)


def tag(request: HttpRequest, asks: Sequence[Ask], *, is_binary: bool) -> str:
    """A run's points change with its cursor, and not otherwise; those of a stage that was taken over have ended."""
    cursors = sorted({(ask.run.pk, ask.run.cursor) for ask in asks})
    asked = f"{request.get_full_path()} {is_binary} {wire.VERSION} {cursors}"
    return f'W/"{hashlib.sha256(asked.encode(errors="surrogatepass")).hexdigest()[:24]}"'
