"""What every page's frame shows: navigation, what runs now, whether anybody works."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.accounts import access
from dashboard.fleet.models import Worker
from dashboard.runs import freshness
from dashboard.runs.models import HELD, Job, Run, Status
from dashboard.runs.rows import Row, attempts_of, strips

NUM_SHOWN = 4
THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """What anybody sees, and the frame of those who are signed in."""
    frame: dict[str, Any] = {"theme": theme(request), "languages": settings.LANGUAGES}
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        frame |= signed_in(request)
    return {"shell": frame}


def theme(request: HttpRequest) -> str:
    chosen = request.COOKIES.get("anneal_theme", "")
    return chosen if chosen in THEMES else ""


def signed_in(request: HttpRequest) -> dict[str, Any]:
    page = request.resolver_match.url_name or "" if request.resolver_match else ""
    runs = access.runs(request.user)
    alive, busy = Worker.objects.alive().count(), Job.objects.filter(status__in=HELD).count()
    waiting = Job.objects.filter(status=Status.QUEUED, run__in=runs).count()
    counts = {"run_list": runs.count(), "queue": waiting, "worker_list": alive}
    return {
        "page": page,
        "now": time.time(),
        "nav": [[entry(*item, page, counts) for item in group] for group in navigation()],
        "running": running(list(at_work_first(runs.filter(status__in=HELD))[:NUM_SHOWN])),
        "workers": workers_line(alive, busy),
        "alarm": waiting > 0 and alive == 0,
        "words": words(),
    }


def navigation() -> list[list[tuple[str, str, str]]]:
    work = [
        ("home", "house", _("Home")),
        ("run_list", "list", _("Runs")),
        ("compare", "git-compare", _("Compare")),
        ("queue", "layers", _("Queue")),
        ("worker_list", "cpu", _("Workers")),
    ]
    material = [
        ("recipe_list", "scroll-text", _("Recipes")),
        ("dataset_list", "database", _("Datasets")),
        ("model_list", "boxes", _("Models")),
        ("playground", "flask-conical", _("Playground")),
    ]
    return [work, material, [("settings", "settings", _("Settings"))]]


def entry(name: str, icon: str, label: str, page: str, counts: dict[str, int]) -> dict[str, Any]:
    inside = {
        "run_list": ("run_detail", "run_tab", "run_new"),
        "model_list": ("model_detail", "model_register"),
        "playground": ("playground_language",),
    }.get(name, ())
    return {"url": reverse(name), "icon": icon, "label": label, "current": page == name or page in inside, "count": counts.get(name)}


def at_work_first(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Of the runs under way those that a worker holds come before those between two stages."""
    held = Job.objects.filter(run=OuterRef("pk"), status__in=HELD)
    return runs.annotate(is_held=Exists(held)).order_by("-is_held", "-pk")


def running(runs: list[Run]) -> list[Row]:
    """What the side bar shows of each: no figures, but strip and freshness."""
    stages, (newest, at_work) = strips(runs), attempts_of([run.pk for run in runs])
    return [Row(run, stages[run.pk], None, None, None, newest.get(run.pk), at_work.get(run.pk)) for run in runs]


def workers_line(alive: int, busy: int) -> str:
    if not alive:
        return _("No worker")
    count = ngettext("%(n)s worker", "%(n)s workers", alive) % {"n": alive}
    if alive == 1:
        return f"{count}, {_('busy') if busy else _('idle')}"
    return f"{count}, {_('all busy') if busy >= alive else _('%(n)s busy') % {'n': busy} if busy else _('idle')}"


def words() -> dict[str, str]:
    """What the scripts of the frame say."""
    return {
        **freshness.words(),
        "reconnecting": _("Reconnecting"),
        "signed_out": _("Signed out"),
        "new_runs": _("{count} new, show"),
    }
