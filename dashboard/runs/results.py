"""What each stage achieved and what it changed, for the panel of the run page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from dashboard.metrics.latest import latest_losses_of
from dashboard.runs.experts import Layer, layers_of
from dashboard.runs.models import DONE, Attempt, Event, Run, Stage, Status
from dashboard.runs.outdated import out_of_date
from dashboard.runs.strip import NUM_COLOURS
from trainer import catalog
from trainer.events import LOSS, decode

TEST_ACCURACY = "test/accuracy"
LABELS: dict[str, Any] = {
    LOSS: _("Train loss"),
    "validation/loss": _("Validation loss"),
    "validation/accuracy": _("Accuracy"),
    "test/loss": _("Test loss"),
    TEST_ACCURACY: _("Test accuracy"),
    "test/macro_f1": _("Test macro F1"),
}


@dataclass(frozen=True)
class Row:
    """One metric at the end of a stage (or by now) and the change the stage brought; `better` is None where nothing changed."""

    metric: str
    label: Any
    value: float
    change: float | None
    better: bool | None
    is_share: bool


@dataclass(frozen=True)
class Card:
    """One stage on the panel. `compares` says what the change is against: the stage before, or the stage's own first validation.

    `attempts` are those that this run made: none for a stage that was reused. `out_of_date` is the reason, or "".
    """

    stage: Stage
    attempts: list[Attempt]
    rows: list[Row]
    duration_s: float | None
    checkpoint_step: int | None
    compares_with_before: bool
    is_last: bool
    out_of_date: str
    can_be_forked: bool

    @property
    def colour(self) -> int:
        """From the sixth stage on the colours repeat, with a hatch; the numeral tells them apart."""
        return (self.stage.index - 1) % NUM_COLOURS + 1

    @property
    def repeats(self) -> bool:
        return self.stage.index > NUM_COLOURS

    @property
    def headline(self) -> Row | None:
        """The figure that a phone shows: the accuracy, else the first."""
        return next((row for row in self.rows if row.is_share), self.rows[0] if self.rows else None)

    @property
    def layers(self) -> list[Layer]:
        return layers_of(self.stage.expert_loads)

    @property
    def tasks(self) -> str:
        return ", ".join(task["kind"].replace("_", " ") for task in self.stage.config["tasks"])


def is_share(metric: str) -> bool:
    """Accuracies and F1 lie between 0 and 1 and are shown as percent."""
    return metric.split("/")[1:2] in (["accuracy"], ["macro_f1"])


def is_better(metric: str, change: float) -> bool | None:
    if change == 0:
        return None
    return (change > 0) == ("loss" not in metric)


def stage_cards(run: Run) -> list[Card]:
    """Five queries, however many stages. The numbers of a reused stage are read where it was trained."""
    stages = list(run.stages.select_related("run", "reused_from__run"))
    attempts, seen = attempts_of(run), validations(stages)
    saved, losses = last_saved(stages), latest_losses_of(trained_by(stages))
    stale = out_of_date(stages, catalog.load([settings.DATASETS_DIR]))
    cards: list[Card] = []
    before: Mapping[str, float] = {}
    for place, stage in enumerate(stages):
        comparable = place > 0 and measured_on(stages[place - 1], run) == measured_on(stage, run)
        checks = seen[stage.trained_by]
        now = numbers(stage, checks, losses)
        first = before if comparable else checks[0] if len(checks) > 1 else {}
        cards.append(
            Card(
                stage=stage,
                attempts=attempts[stage.pk],
                rows=[row(metric, value, first.get(metric)) for metric, value in now.items()],
                duration_s=active_seconds(attempts[stage.pk]),
                checkpoint_step=saved.get(stage.trained_by),
                compares_with_before=comparable,
                is_last=stage is stages[-1],
                out_of_date=stale.get(stage.index, ""),
                can_be_forked=place == 0 or stages[place - 1].status in DONE,
            )
        )
        before = now
    return cards


def measured_on(stage: Stage, run: Run) -> list[tuple[str, list[str]]]:
    """The tasks and data sets a stage is measured on: only numbers from the same ones compare."""
    tasks = run.config["stages"][stage.index - 1]["tasks"]
    return [(task["kind"], sorted(source["dataset"] for source in task["sources"] if source["share"])) for task in tasks]


def row(metric: str, value: float, before: float | None) -> Row:
    change = None if before is None else value - before
    return Row(metric, LABELS.get(metric, metric), value, change, None if change is None else is_better(metric, change), is_share(metric))


def numbers(stage: Stage, seen: list[dict[str, float]], losses: Mapping[int, float]) -> dict[str, float]:
    """The final results of a stage that has ended, else the newest numbers; those with a name of their own first."""
    found = dict(seen[-1]) if seen else {}
    if stage.trained_by in losses and stage.status != Status.WAITING:
        found[LOSS] = losses[stage.trained_by]
    found |= {metric: decode(value) for metric, value in stage.results.items() if isinstance(value, int | float | str)}
    known = {metric: found[metric] for metric in LABELS if metric in found}
    return known | {metric: value for metric, value in sorted(found.items()) if metric.startswith("test/") and metric not in known}


def trained_by(stages: Sequence[Stage]) -> list[int]:
    return [stage.trained_by for stage in stages]


def validations(stages: Sequence[Stage]) -> dict[int, list[dict[str, float]]]:
    """The metrics of every validation, by the job that trained."""
    found: dict[int, list[dict[str, float]]] = defaultdict(list)
    for event in (
        Event.objects.filter(attempt__job__in=trained_by(stages), kind="evaluated").select_related("attempt").order_by("step", "id")
    ):
        if event.attempt and event.data.get("split") == "validation":
            found[event.attempt.job_id].append({metric: decode(value) for metric, value in event.data.get("metrics", {}).items()})
    return found


def attempts_of(run: Run) -> dict[int, list[Attempt]]:
    found: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(job__run=run).select_related("worker").order_by("number"):
        found[attempt.job_id].append(attempt)
    return found


def last_saved(stages: Sequence[Stage]) -> dict[int, int]:
    """The step of the newest checkpoint by job."""
    saved = Event.objects.filter(attempt__job__in=trained_by(stages), kind="saved").order_by("step").select_related("attempt")
    return {event.attempt.job_id: event.step or 0 for event in saved if event.attempt}


def active_seconds(attempts: list[Attempt]) -> float | None:
    """The time in which a worker was at it; pauses between attempts do not count. None while an attempt is under way."""
    if not attempts or any(attempt.ended_at is None for attempt in attempts):
        return None
    return sum((attempt.ended_at - attempt.started_at).total_seconds() for attempt in attempts if attempt.ended_at)
