"""The first page: what runs now, what needs somebody, and the newest runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.home.context import at_work_first
from dashboard.home.first import bands, steps
from dashboard.home.health import server_facts
from dashboard.runs.models import HELD, Run, Status
from dashboard.runs.rows import Row, rows, some

NUM_CARDS, NUM_NEEDS, NUM_ROWS = 6, 5, 15
FEW_RUNS = 5
NEEDS_FOR = timedelta(days=7)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """A new team sees the plan of its first run and four steps; everybody else what runs now."""
    runs = access.runs(request.user)
    context: dict[str, Any] = {
        "can_edit": access.projects(request.user, "edit").exists(),
        "has_project": access.projects(request.user).exists(),
        "num_running": runs.filter(jobs__status__in=HELD).values("pk").distinct().count(),
        "num_queued": runs.filter(jobs__status=Status.QUEUED).values("pk").distinct().count(),
        "num_runs": runs.count(),
    }
    context |= first_look(runs) if context["num_runs"] <= FEW_RUNS else {}
    context |= {"needs": needs(runs), "rows": rows(some(runs, 0, NUM_ROWS)), "cards": []}
    if not context.get("first"):
        context["cards"] = rows(list(at_work_first(runs.filter(status__in=HELD))[:NUM_CARDS]))
    return render(request, "home/page.html", context)


def first_look(runs: QuerySet[Run]) -> dict[str, Any]:
    """`first` is the run to watch as long as none has come to an end; the steps stay until two can be compared."""
    present = list(runs)
    path = steps(present)
    if path.compared:
        return {}
    waits = [run for run in present if run.status not in (Status.COMPLETED, Status.FAILED, Status.STOPPED)]
    first = rows(waits[-1:])[0] if waits and not path.has_completed else None
    return {"steps": path, "server": server_facts(), "first": first, "bands": bands(first) if first else []}


def needs(runs: QuerySet[Run]) -> list[Row]:
    """What failed lately, and what lost its worker."""
    lately = Q(status=Status.FAILED, ended_at__gt=timezone.now() - NEEDS_FOR)
    return rows(list(runs.filter(lately | Q(status=Status.LOST))[:NUM_NEEDS]))
