"""What the scripts of the run page start from: the run as the wire knows it, the planned rates, and translated words."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.live.overview import heartbeat
from dashboard.live.state import aside_states, quantization_state, run_state, seconds, stage_states
from dashboard.metrics.not_finite import not_finite_steps
from dashboard.metrics.reading import axis_names, metric_names, stage_offsets
from dashboard.runs import freshness
from dashboard.runs.models import Attempt, Event, Run
from dashboard.runs.page_words import WORDS
from trainer.config import Schedule
from trainer.events import LOSS
from trainer.schedule import curve

PLANNED_POINTS = 1_000
EVENTS_IN_LANE = 2_000
MARKED = 200


def page_data(run: Run) -> dict[str, Any]:
    """The cursor is older than all that is read after it; what comes twice changes nothing on the page."""
    attempts = Attempt.objects.filter(job__run=run, job__aside=False)
    return {
        "id": run.pk,
        "name": run.name,
        "cursor": run.cursor,
        "now": time.time(),
        "run": run_state(run),
        "stages": stages(run),
        "quantization": quantization_state(run.pk),
        "asides": aside_states(run.pk),
        "events": lane_events(run),
        "metrics": [*metric_names(run), *axis_names(run)],
        "not_finite": not_finite(run),
        "last_point_at": seconds(attempts.aggregate(at=Max("last_point_at"))["at"]),
        "heartbeat": heartbeat(attempts.select_related("worker").order_by("pk").last()),
        "socket": f"/ws/runs/{run.pk}/",
        "series": reverse("api:read_series", args=[run.pk]),
        "many": reverse("api:read_many_series"),
        "exports": exports(run),
        "units": {"s": _("s"), "m": _("m"), "h": _("h"), "d": _("d")},
        "words": {**WORDS, **freshness.words()},
    }


def exports(run: Run) -> str:
    """Where every point can be had, never thinned: `?format=csv|parquet&metric=...`."""
    return f"/api/v1/runs/{run.pk}/export"


def stages(run: Run) -> list[dict[str, Any]]:
    """Each stage as the wire sends it, with the run step its own step 0 is and the rate it plans."""
    offsets = stage_offsets(run)
    configs = run.config["stages"]
    return [
        {**state, "offset": offsets[state["index"]], "plan": plan(configs[state["index"] - 1], state["num_steps"])}
        for state in stage_states(run.pk)
    ]


def not_finite(run: Run) -> list[dict[str, int]]:
    """Where the training loss is no number: a bucket of many points shows only its finite extremes."""
    return [{"stage": stage, "step": step} for stage, step in not_finite_steps(run, LOSS)[:MARKED]]


def plan(stage: dict[str, Any], num_steps: int) -> dict[str, list[Any]]:
    steps, rates = curve(Schedule.model_validate(stage["schedule"]), num_steps, PLANNED_POINTS)
    return {"step": steps, "rate": rates}


def lane_events(run: Run) -> list[Any]:
    """The newest events that the lane or a tooltip shows, in order; evaluations are drawn from their series."""
    found = Event.objects.filter(run=run, cursor__lte=run.cursor).exclude(kind="evaluated").select_related("attempt__job")
    return [event.to_moment() for event in found.order_by("-cursor", "-id")[:EVENTS_IN_LANE]][::-1]
