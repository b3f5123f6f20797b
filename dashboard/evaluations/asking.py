"""Asks for one more evaluation of a run, from its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.accounts import access
from dashboard.evaluations.choices import Refused, ask
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.page import show


@require_POST
def evaluation_ask(request: HttpRequest, run_id: int) -> HttpResponse:
    """Queues it and leads to it; what cannot be asked is said on the tab."""
    run = access.get_run(request.user, run_id, "edit")
    given = {name: request.POST.get(name, "") for name in ("checkpoint", "dataset", "split")}
    try:
        job = ask(run, access.signed_in(request), **given)
    except (Refused, WrongState) as problem:
        return show(request, run, "evaluation", problem=str(problem), status=422 if isinstance(problem, Refused) else 409)
    return redirect(f"{reverse('run_tab', args=[run.pk, 'evaluation'])}?evaluation={job.pk}")
