"""Asks for one more quantization of a run, from its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.accounts import access
from dashboard.quantizations.again import ask
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.page import show


@require_POST
def quantization_ask(request: HttpRequest, run_id: int) -> HttpResponse:
    """Queues it and leads to the tab; where it cannot be, the tab says why, with status 409."""
    run = access.get_run(request.user, run_id, "edit")
    try:
        ask(run, access.signed_in(request))
    except WrongState as problem:
        return show(request, run, "quantization", problem=str(problem), status=409)
    return redirect("run_tab", run.pk, "quantization")
