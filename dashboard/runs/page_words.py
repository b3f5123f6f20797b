"""What the scripts of the run page say; they put in what stands in brackets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

# Whether the page hears of new points; how fresh they are is said by dashboard.runs.freshness.
LIVE: dict[str, Any] = {
    "replayed": _("Reconnected, replayed {count} points"),
    "reconnecting": _("Connection lost, trying again"),
    "signed_out": _("You are signed out. Sign in again to go on watching"),
    "taken_away": _("This run is no longer shared with you"),
}
# Legends, tooltips and what a chart says to a screen reader.
CHART: dict[str, Any] = {
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
    "one_point": _("1 point"),
    "loss_sentence": _("Loss, {stage}, {value} at step {step}, {trend}"),
    "rate_sentence": _("Learning rate, {stage}, {value} at step {step}"),
    "metric_sentence": _("{metric}, {value} at step {step}"),
    "falling": _("falling"),
    "rising": _("rising"),
    "level": _("level"),
    "nothing_yet": _("No loss yet. Planned learning rate below."),
    "loss_soon": _("Loss appears with the first step."),
    "chart": _("Chart"),
    "table": _("Table"),
    "stage": _("Stage"),
    "latency": _("latency p50, ms (batch 1)"),
    "loss": _("Loss"),
    "learning_rate": _("Learning rate"),
    "throughput": _("requests per second"),
    "latency_p99": _("latency p99, ms"),
    "at_a_time": _("{count} at a time"),
    "clip_point_above": _("{count} point above {limit} hidden by clipping"),
    "clip_points_above": _("{count} points above {limit} hidden by clipping"),
    "clip_buckets_above": _("{count} buckets reach above {limit}, hidden by clipping"),
    "clip_point_below": _("{count} point below {limit} hidden by clipping"),
    "clip_points_below": _("{count} points below {limit} hidden by clipping"),
    "clip_buckets_below": _("{count} buckets reach below {limit}, hidden by clipping"),
    "symlog": _("linear between −{middle} and {middle}"),
    "loss_and_rate": _("Loss and learning rate"),
}
# How far a stage is.
PROGRESS: dict[str, Any] = {
    "left": _("{time} left"),
    "of_steps": _("{step} of {steps}"),
    "steps": _("{steps} steps"),
    "waiting": _("waiting"),
}
# Marks on the curve.
MOMENTS: dict[str, Any] = {
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
}
# The metrics beneath the large charts.
METRICS: dict[str, Any] = {
    "metrics": _("{count} metrics"),
    "metrics_of": _("{count} of {total} metrics"),
    "new_metrics": _("{count} new, show"),
    "no_metrics": _("No metric yet. They appear as they come."),
    "no_metric_fits": _("No metric fits."),
    "pinned": _("Pinned"),
    "other_metrics": _("others"),
}
# Search, and answers to what a person does.
ACTS: dict[str, Any] = {
    "copied": _("Copied"),
    "lines": _("{count} lines"),
    "line_of": _("{at} of {count}"),
    "found": _("{count} found"),
    "new_lines": _("{count} new lines"),
    "no_new_lines": _("Follow"),
    "bad_pattern": _("Not a pattern: {problem}"),
    "copy_line": _("Copy this line"),
}
WORDS: dict[str, Any] = {**LIVE, **CHART, **PROGRESS, **MOMENTS, **METRICS, **ACTS}
