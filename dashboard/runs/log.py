"""What the attempts of a run printed: the newest part for the page, earlier and later parts on demand, all of it as a file."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.live.messages import LogText
from dashboard.runs.models import LogChunk, Run

PART_CHARACTERS = 200_000
LARGEST_CURSOR = 2**63 - 1


@require_GET
def run_log(request: HttpRequest, run_id: int) -> HttpResponse:
    """`?before=CURSOR` and `?after=CURSOR&until=CURSOR` page through it, `?format=text` downloads it."""
    run = access.get_run(request.user, run_id)
    if request.GET.get("format") == "text":
        return download(run)
    try:
        cursors = {name: cursor_from(request.GET[name]) for name in ("before", "after", "until") if name in request.GET}
    except ValueError as problem:
        return HttpResponseBadRequest(str(problem), content_type="text/plain")
    if "after" in cursors:
        return JsonResponse(part_after(run, cursors["after"], cursors.get("until", run.cursor)))
    return JsonResponse(part_before(run, cursors.get("before", run.cursor + 1)))


def cursor_from(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST_CURSOR:
        raise ValueError(f"{text!r} is not a cursor.")
    return int(text)


def newest_part(run: Run) -> dict[str, Any]:
    """Up to the run's cursor as it was read: what is printed later comes with the messages after it."""
    return part_before(run, run.cursor + 1)


def part_before(run: Run, cursor: int) -> dict[str, Any]:
    """The last texts written under older cursors, oldest first; `before` leads to the ones before them, None at the beginning."""
    taken, is_whole = take(chunks(run).filter(cursor__lt=cursor).order_by("-cursor", "-id"))
    return {"parts": texts(taken[::-1]), "before": None if is_whole else taken[-1].cursor}


def part_after(run: Run, cursor: int, until: int) -> dict[str, Any]:
    """The first texts written under newer cursors, up to one; `after` is the cursor up to which nothing is missing."""
    taken, is_whole = take(chunks(run).filter(cursor__gt=cursor, cursor__lte=until).order_by("cursor", "id"))
    return {"parts": texts(taken), "after": max(until, cursor) if is_whole else taken[-1].cursor, "is_whole": is_whole}


def chunks(run: Run) -> QuerySet[LogChunk]:
    return LogChunk.objects.filter(attempt__job__run=run).select_related("attempt__job")


def take(ordered: QuerySet[LogChunk]) -> tuple[list[LogChunk], bool]:
    """Chunks up to a size, and whether they are all; what one transaction wrote is not torn apart."""
    taken: list[LogChunk] = []
    size = 0
    for chunk in ordered.iterator(100):
        if size >= PART_CHARACTERS and chunk.cursor != taken[-1].cursor:
            return taken, False
        taken.append(chunk)
        size += len(chunk.text)
    return taken, True


def texts(found: list[LogChunk]) -> list[LogText]:
    return [{"stage": each.attempt.job.position, "attempt": each.attempt.number, "text": each.text} for each in found]


def download(run: Run) -> HttpResponse:
    """Attempt by attempt. The relay keeps at most 4 MB of each, so that the whole fits into one answer."""
    ordered = chunks(run).order_by("attempt__job__position", "attempt__number", "cursor", "id")
    body = "".join(
        f"=== stage {position}, attempt {number} ===\n{''.join(chunk.text for chunk in found)}"
        for (position, number), found in groupby(ordered.iterator(100), key=lambda each: (each.attempt.job.position, each.attempt.number))
    )
    headers = {"Content-Disposition": f'attachment; filename="run-{run.number}.log"'}
    return HttpResponse(body, content_type="text/plain; charset=utf-8", headers=headers)
