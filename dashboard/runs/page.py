"""The run page: one view per tab, and the verbs Stop, Resume and Retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts import access
from dashboard.accounts.models import User
from dashboard.evaluations.tab import content as evaluation
from dashboard.fleet.models import Worker
from dashboard.quantizations.tab import content as quantization
from dashboard.registry.of_run import versions_by_stage
from dashboard.runs import lifecycle
from dashboard.runs.failure import failure_of
from dashboard.runs.forgetting import forgetting_of
from dashboard.runs.log import newest_part
from dashboard.runs.models import DONE, Attempt, Event, Job, Kind, Quantization, Run, Status
from dashboard.runs.moments import Moment, moment
from dashboard.runs.page_data import exports, page_data
from dashboard.runs.readable import readable_model, readable_stage
from dashboard.runs.results import stage_cards
from dashboard.runs.reuse import origins
from dashboard.serving.tab import content as serving
from dashboard.templatetags.anneal import STATUS_ICONS

TABS = {
    "charts": _("Charts"),
    "stages": _("Stages"),
    "config": _("Config"),
    "logs": _("Logs"),
    "evaluation": _("Evaluation"),
    "quantization": _("Quantization"),
    "serving": _("Serving"),
    "events": _("Events"),
}
# Where a job that is done beside the run's own work is shown.
TAB_OF = {Kind.EVALUATION: "evaluation", Kind.LOAD_TEST: "serving"}
NEWEST_EVENTS = 8
LISTED_EVENTS = 1_000

STOPPABLE = (Status.QUEUED, Status.RUNNING, Status.LOST)


@require_GET
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    return show(request, access.get_run(request.user, run_id), "charts")


@require_GET
def run_tab(request: HttpRequest, run_id: int, tab: str) -> HttpResponse:
    run = access.get_run(request.user, run_id)
    if tab not in TABS:
        raise Http404("No such tab.")
    if tab == "config" and request.GET.get("format") == "json":
        return download(run)
    return show(request, run, tab)


@require_POST
def run_stop(request: HttpRequest, run_id: int) -> HttpResponse:
    return act(request, run_id, lifecycle.request_stop)


@require_POST
def job_stop(request: HttpRequest, run_id: int, job_id: int) -> HttpResponse:
    """Stops what is done beside the run's own work, and shows the page that asked."""
    run = access.get_run(request.user, run_id, "edit")
    job = get_object_or_404(Job, pk=job_id, run=run, aside=True)
    assert isinstance(request.user, User)
    try:
        lifecycle.stop_aside(job, request.user)
    except lifecycle.WrongState as problem:
        return show(request, run, TAB_OF.get(Kind(job.kind), "charts"), problem=str(problem), status=409)
    return redirect("run_tab", run.pk, TAB_OF[Kind(job.kind)]) if job.kind in TAB_OF else redirect("run_detail", run.pk)


@require_POST
def run_resume(request: HttpRequest, run_id: int) -> HttpResponse:
    return act(request, run_id, lifecycle.resume)


@require_POST
def run_retry(request: HttpRequest, run_id: int) -> HttpResponse:
    return act(request, run_id, lifecycle.retry)


def act(request: HttpRequest, run_id: int, verb: Callable[[Run, User], None]) -> HttpResponse:
    """Does it and shows the run again; what came too late is said on the page, with status 409."""
    run = access.get_run(request.user, run_id, "edit")
    assert isinstance(request.user, User)
    try:
        verb(run, request.user)
    except lifecycle.WrongState as problem:
        return show(request, run, "charts", problem=str(problem), status=409)
    return redirect("run_detail", run.pk)


def show(request: HttpRequest, run: Run, tab: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    """The page of one tab. Asked for with `X-Anneal-Part`, it leaves out what only the first look needs."""
    context = frame(request, run, tab) | CONTENT[tab](request, run) | {"problem": problem}
    if "X-Anneal-Part" not in request.headers:
        context["data"] = page_data(run)
    return render(request, "runs/detail.html", context, status=status)


def frame(request: HttpRequest, run: Run, tab: str) -> dict[str, Any]:
    """What every tab shows around its content."""
    stages = list(run.stages.select_related("reused_from__run"))
    attempts = list(Attempt.objects.filter(job__run=run, job__aside=False).select_related("worker", "job").order_by("started_at", "pk"))
    job = Quantization.objects.filter(run=run).order_by("-pk").first()
    total = sum(stage.num_steps for stage in stages)
    return {
        "run": run,
        "stages": stages,
        "tab": tab,
        "tab_template": f"runs/_{tab}.html",
        "stage_icons": STATUS_ICONS,
        "stage_turns": {Status.RUNNING: "spinner"},
        "device": next((stage.device for stage in reversed(stages) if stage.device), ""),
        "took": seconds_since_start(run),
        "tabs": tabs(run, len(stages), has_quantization=job is not None),
        "worker": next((attempt.worker for attempt in reversed(attempts) if attempt.worker), None),
        "current": next((stage for stage in stages if stage.status not in DONE), None),
        "origins": origins(stages),
        "num_reused": sum(stage.status == Status.REUSED for stage in stages),
        "is_quantizing": job is not None and job.status in (Status.RUNNING, Status.STOPPING),
        "progress": sum(stage.last_step for stage in stages) / total if total else 0,
        "failure": failure_of(run, attempts),
        "stop_asked": stop_asked(run),
        "can_edit": access.has_right(request.user, run.project, "edit"),
        "can_stop": run.status in STOPPABLE,
        "exports": exports(run),
        "registered": versions_by_stage(run),
    }


def tabs(run: Run, num_stages: int, *, has_quantization: bool) -> list[tuple[str, Any, int | None]]:
    counts = {"stages": num_stages, "events": Event.objects.filter(run=run).count()}
    return [(name, label, counts.get(name)) for name, label in TABS.items() if name != "quantization" or has_quantization]


def seconds_since_start(run: Run) -> float:
    return ((run.ended_at or timezone.now()) - run.started_at).total_seconds() if run.started_at else 0


def stop_asked(run: Run) -> Event | None:
    if run.status != Status.STOPPING:
        return None
    return Event.objects.filter(run=run, kind="stop_requested").last()


def charts(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {"cards": stage_cards(run), "events": newest_events(run, NEWEST_EVENTS), "system_note": system_note(run)}


def system_note(run: Run) -> str:
    """Says why there are no figures of a GPU; nothing where a worker of the run has one, or nobody has taken it yet."""
    workers = list(Worker.objects.filter(attempts__job__run=run).distinct().order_by("name"))
    if not workers or any(device.get("kind") == "gpu" for worker in workers for device in worker.devices):
        return ""
    names = ", ".join(worker.name for worker in workers)
    return gettext("No GPU on %(worker)s: there is no utilisation, memory, power or temperature of one to show.") % {"worker": names}


def stages(request: HttpRequest, run: Run) -> dict[str, Any]:
    cards = stage_cards(run)
    return {"cards": cards, "forgetting": forgetting_of([card.stage for card in cards])}


def config(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {"model_groups": readable_model(run.config), "configs": [(stage, readable_stage(stage)) for stage in run.stages]}


def logs(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {
        "log": newest_part(run),
        "attempts": Attempt.objects.filter(job__run=run).select_related("job").order_by("job__position", "number"),
    }


def events(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {"events": newest_events(run, LISTED_EVENTS)}


def newest_events(run: Run, limit: int) -> list[Moment]:
    found = Event.objects.filter(run=run).select_related("attempt__job").order_by("-cursor", "-id")[:limit]
    num_stages = len(run.config["stages"])
    return [moment(event, num_stages) for event in found]


CONTENT: dict[str, Callable[[HttpRequest, Run], dict[str, Any]]] = {
    "charts": charts,
    "stages": stages,
    "config": config,
    "logs": logs,
    "evaluation": evaluation,
    "quantization": quantization,
    "serving": serving,
    "events": events,
}


def download(run: Run) -> HttpResponse:
    body = json.dumps(run.config, indent=2, ensure_ascii=False)
    headers = {"Content-Disposition": f'attachment; filename="run-{run.number}.json"'}
    return HttpResponse(body, content_type="application/json", headers=headers)
