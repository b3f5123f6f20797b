"""What the scripts of the run page start from: the run as the wire knows it, the planned rates, and translated words."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.live.overview import heartbeat
from dashboard.live.state import quantization_state, run_state, stage_states
from dashboard.metrics.not_finite import not_finite_steps
from dashboard.metrics.reading import axis_names, metric_names, stage_offsets
from dashboard.runs import freshness
from dashboard.runs.models import Attempt, Event, Run
from trainer.config import Schedule
from trainer.events import LOSS
from trainer.schedule import curve

PLANNED_POINTS = 1_000
EVENTS_IN_LANE = 2_000
MARKED = 200


def page_data(run: Run) -> dict[str, Any]:
    """The cursor is older than all that is read after it; what comes twice changes nothing on the page."""
    last = Attempt.objects.filter(job__run=run).aggregate(at=Max("last_point_at"))["at"]
    return {
        "id": run.pk,
        "name": run.name,
        "cursor": run.cursor,
        "now": time.time(),
        "run": run_state(run),
        "stages": stages(run),
        "quantization": quantization_state(run.pk),
        "events": lane_events(run),
        "metrics": [*metric_names(run), *axis_names(run)],
        "not_finite": not_finite(run),
        "last_point_at": last.timestamp() if last else None,
        "heartbeat": heartbeat(Attempt.objects.filter(job__run=run).select_related("worker").order_by("pk").last()),
        "socket": f"/ws/runs/{run.pk}/",
        "series": reverse("api:read_series", args=[run.pk]),
        "many": reverse("api:read_many_series"),
        "exports": exports(run),
        "units": {"s": _("s"), "m": _("m"), "h": _("h"), "d": _("d")},
        "words": words(),
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


def words() -> dict[str, str]:
    """Every sentence that the scripts show; `{name}` is filled in by them."""
    return {
        **freshness.words(),
        "replayed": _("Reconnected, replayed {count} points"),
        "reconnecting": _("Connection lost, trying again"),
        "signed_out": _("You are signed out. Sign in again to go on watching"),
        "taken_away": _("This run is no longer shared with you"),
        "train": _("train"),
        "raw": _("not smoothed"),
        "validation": _("validation"),
        "rate": _("learning rate"),
        "planned_rate": _("planned rate"),
        "step": _("step"),
        "attempt": _("attempt {number}"),
        "attempt_lost": _("attempt {number}, −{count} steps"),
        "as_planned": _("as planned, max. diff. {difference}"),
        "not_as_planned": _("differs from the plan, max. diff. {difference}"),
        "points_shown": _("{shown} buckets of {all} points, extremes kept"),
        "points": _("{all} points"),
        "clip_point_above": _("{count} point above {limit} hidden by clipping"),
        "clip_points_above": _("{count} points above {limit} hidden by clipping"),
        "clip_buckets_above": _("{count} buckets reach above {limit}, hidden by clipping"),
        "clip_point_below": _("{count} point below {limit} hidden by clipping"),
        "clip_points_below": _("{count} points below {limit} hidden by clipping"),
        "clip_buckets_below": _("{count} buckets reach below {limit}, hidden by clipping"),
        "symlog": _("linear between −{middle} and {middle}"),
        "loss_sentence": _("Loss, {stage}, {value} at step {step}, {trend}"),
        "rate_sentence": _("Learning rate, {stage}, {value} at step {step}"),
        "metric_sentence": _("{metric}, {value} at step {step}"),
        "falling": _("falling"),
        "rising": _("rising"),
        "level": _("level"),
        "nothing_yet": _("No loss yet. Planned learning rate below."),
        "loss_soon": _("Loss appears with the first step."),
        "left": _("{time} left"),
        "of_steps": _("{step} of {steps}"),
        "steps": _("{steps} steps"),
        "waiting": _("waiting"),
        "saved": _("Checkpoint at step {step}"),
        "resumed": _("Went on from step {step}"),
        "retried": _("Tried again from step {step}"),
        "started": _("Went on from step {step}"),
        "stopped": _("Stopped at step {step}"),
        "worker_lost": _("Worker lost at step {step}"),
        "failed": _("Failed at step {step}"),
        "finished": _("Stage done at step {step}"),
        "skipped": _("Loss is not a number at step {step}: step skipped"),
        "went_back": _("Loss is not a number at step {step}: went back to the last checkpoint"),
        "nan": _("Loss is not a number at step {step}"),
        "evaluation": _("Evaluated at step {step}"),
        "gate": _("Gate at step {step}"),
        "note": _("Note at step {step}"),
        "chart": _("Chart"),
        "table": _("Table"),
        "stage": _("Stage"),
        "lines": _("{count} lines"),
        "line_of": _("{at} of {count}"),
        "found": _("{count} found"),
        "new_lines": _("{count} new lines"),
        "no_new_lines": _("Follow"),
        "loss_and_rate": _("Loss and learning rate"),
        "metrics": _("{count} metrics"),
        "metrics_of": _("{count} of {total} metrics"),
        "new_metrics": _("{count} new, show"),
        "no_metrics": _("No metric yet. They appear as they come."),
        "no_metric_fits": _("No metric fits."),
        "pinned": _("Pinned"),
        "other_metrics": _("others"),
        "bad_pattern": _("Not a pattern: {problem}"),
        "copy_line": _("Copy this line"),
        "latency": _("latency p50, ms (batch 1)"),
        "copied": _("Copied"),
    }
