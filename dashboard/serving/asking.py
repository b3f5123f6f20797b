"""Asks for a load test from a run's page, and hands out the model repository that was served."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts import access
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import LoadTest
from dashboard.runs.page import show
from dashboard.serving.archive import parts
from dashboard.serving.choices import Refused, ask, of_form
from dashboard.serving.tab import repository_of
from dashboard.streaming import body


@require_POST
def load_test_ask(request: HttpRequest, run_id: int) -> HttpResponse:
    """Queues it and leads to it; what cannot be asked is said on the tab."""
    run = access.get_run(request.user, run_id, "edit")
    try:
        job = ask(run, access.signed_in(request), of_form(request.POST.dict()))
    except (Refused, WrongState) as problem:
        return show(request, run, "serving", problem=str(problem), status=422 if isinstance(problem, Refused) else 409)
    return redirect(f"{reverse('run_tab', args=[run.pk, 'serving'])}?test={job.pk}")


@require_GET
def repository_download(request: HttpRequest, run_id: int, job_id: int) -> StreamingHttpResponse:
    """The model repository as a tar archive, read while it is sent."""
    run = access.get_run(request.user, run_id)
    folder = repository_of(get_object_or_404(LoadTest, pk=job_id, run=run))
    if folder is None:
        raise Http404("The repository is not on this machine.")
    headers = {"Content-Disposition": f'attachment; filename="run-{run.number}-triton.tar"'}
    return StreamingHttpResponse(body(request, parts(folder, "models")), content_type="application/x-tar", headers=headers)
