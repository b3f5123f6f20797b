"""The list of runs: search, state, paging."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.accounts.models import Project, User
from dashboard.runs.models import Run, Status
from dashboard.runs.rows import rows, some

PAGE_SIZE = 25
LONGEST_SEARCH = 200
STATES = (Status.RUNNING, Status.QUEUED, Status.STOPPING, Status.STOPPED, Status.COMPLETED, Status.FAILED, Status.LOST)


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """The whole page, or the table alone for htmx."""
    words, status = request.GET.get("q", "").strip()[:LONGEST_SEARCH], request.GET.get("status", "")
    everything = access.runs(request.user)
    found = search(everything, words, status)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    start = (page.number - 1) * PAGE_SIZE
    context = {
        "rows": rows(some(found, start, start + PAGE_SIZE)),
        "page": page,
        "words": words,
        "status": status if status in STATES else "",
        "states": STATES,
        "total": everything.count(),
        "can_edit": access.projects(request.user, "edit").exists(),
    }
    return render(request, "runs/_table_box.html" if getattr(request, "htmx", False) else "runs/list.html", context)


def search(runs: QuerySet[Run], words: str, status: str) -> QuerySet[Run]:
    """Every word must occur somewhere; a state that there is not is no filter."""
    for word in words.split():
        number = word.removeprefix("#")
        places = Q(name__icontains=word) | Q(recipe__icontains=word)
        places |= Q(project__in=Project.objects.filter(name__icontains=word)) | Q(owner__in=User.objects.filter(username__icontains=word))
        if number.isascii() and number.isdigit() and len(number) < 10:
            places |= Q(number=int(number))
        runs = runs.filter(places)
    return runs.filter(status=status) if status in STATES else runs
