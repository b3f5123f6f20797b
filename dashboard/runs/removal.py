"""The page's way to delete a run."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.accounts import access
from dashboard.runs.deletion import delete
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.page import show


@require_POST
def run_delete(request: HttpRequest, run_id: int) -> HttpResponse:
    """Leads to the list; what cannot be deleted is shown again with the reason, and status 409."""
    run = access.get_run(request.user, run_id, "edit")
    try:
        delete(run)
    except WrongState as problem:
        return show(request, run, "charts", problem=str(problem), status=409)
    return redirect("run_list")
