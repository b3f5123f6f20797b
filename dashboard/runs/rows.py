"""Rows of runs for lists and cards, in a number of queries that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from dashboard.metrics.latest import latest_losses
from dashboard.metrics.sparklines import Spark, drawn
from dashboard.runs.freshness import BEAT_S, freshness
from dashboard.runs.models import DONE, HELD, Attempt, Event, Run, Stage, Status
from dashboard.runs.pace import seconds_per_step
from dashboard.runs.strip import columns
from trainer import recipes
from trainer.events import VALIDATION_ACCURACY, decode

Strip = list[dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """What a list or a card shows of one run.

    `accuracy` is the newest validation's; `attempt` the newest that has made a point, `at_work` the one that a worker holds.
    """

    run: Run
    stages: Strip
    loss: float | str | None
    spark: Spark | None
    accuracy: float | None
    attempt: Attempt | None
    at_work: Attempt | None

    @property
    def present(self) -> dict[str, Any] | None:
        """The stage under way, or the one that is next."""
        return next((stage for stage in self.stages if stage["status"] not in DONE), self.stages[-1] if self.stages else None)

    @property
    def is_under_way(self) -> bool:
        return self.run.status in HELD

    @property
    def status(self) -> str:
        """The run's state; between two stages, while no worker holds it, it is queued."""
        return Status.QUEUED if self.run.status == Status.RUNNING and self.at_work is None else self.run.status

    @property
    def makes_points(self) -> bool:
        """A worker holds it, and the stage under way has made its first point: its age means something."""
        return self.is_under_way and self.at_work is not None and self.at_work.last_point_at is not None

    @property
    def point_at(self) -> datetime | None:
        return self.attempt.last_point_at if self.attempt else None

    @property
    def worker(self) -> str:
        return str(self.at_work.worker or "") if self.at_work else ""

    @property
    def recipe(self) -> str:
        """The recipe by the name that people know it by."""
        known = recipes.load().get(self.run.recipe)
        return known.name if known else self.run.recipe

    @property
    def due_at(self) -> datetime | None:
        """The newest point that freshness is judged by: of the attempt at work, or the last there was."""
        return self.at_work.last_point_at if self.at_work else self.point_at

    @property
    def seen_at(self) -> datetime | None:
        """The heartbeat of the worker that holds it."""
        return self.at_work.worker.last_seen if self.at_work and self.at_work.worker else None

    @property
    def interval_s(self) -> float:
        """The usual time between points, 0 while unknown."""
        return seconds_per_step(self.at_work) or 0.0

    @property
    def freshness(self) -> str:
        """live, slow, stale, or lost: the words of the run page."""
        at, now = self.due_at or self.seen_at, timezone.now()
        if at is None:
            return "lost" if self.run.status == Status.LOST else "stale"
        beat = (now - self.seen_at).total_seconds() if self.seen_at else None
        interval = self.interval_s if self.due_at else BEAT_S
        return freshness((now - at).total_seconds(), status=self.run.status, interval_s=interval, heartbeat_s=beat)

    @property
    def percent(self) -> int:
        return percent_done(self.stages)

    @property
    def duration_s(self) -> float | None:
        if self.run.started_at is None:
            return None
        return ((self.run.ended_at or timezone.now()) - self.run.started_at).total_seconds()

    @property
    def error(self) -> str:
        return next((stage["error"] for stage in self.stages if stage["error"]), "")

    @property
    def spans(self) -> list[tuple[dict[str, Any], int]]:
        """The stages with their shares of 24 columns."""
        return list(zip(self.stages, columns(self.stages), strict=True))

    @property
    def is_quantized_next(self) -> bool:
        """All stages are done, and the run is not: its quantization waits or runs."""
        return self.is_under_way and all(stage["status"] in DONE for stage in self.stages)

    @property
    def has_failed_quantization(self) -> bool:
        """What failed is none of the stages."""
        return self.run.status == Status.FAILED and all(stage["status"] in DONE for stage in self.stages)

    @property
    def left_s(self) -> float | None:
        """An estimate; None while unknown."""
        return seconds_left(self.at_work, self.stages)


def some(runs: QuerySet[Run], start: int, stop: int) -> list[Run]:
    """The runs of one page. They are sorted by their keys alone: a row is long, because of its config."""
    keys = list(runs.values_list("pk", flat=True)[start:stop])
    found = runs.model._default_manager.select_related("project", "owner").defer("config").in_bulk(keys)
    return [found[key] for key in keys if key in found]


def rows(runs: Sequence[Run]) -> list[Row]:
    ids = [run.pk for run in runs]
    stages, losses, accuracies = strips(runs), latest_losses(ids), latest_accuracies(ids)
    sparks, (newest, at_work) = drawn.of(runs, stages), attempts_of(ids)
    return [
        Row(run, stages[pk], losses.get(pk), sparks.get(pk), accuracies.get(pk), newest.get(pk), at_work.get(pk))
        for pk, run in zip(ids, runs, strict=True)
    ]


def strips(runs: Sequence[Run]) -> dict[int, Strip]:
    """Returns the stages of each run as the stage strip draws them. One query."""
    found: dict[int, Strip] = {run.pk: [] for run in runs}
    names = ("index", "name", "status", "last_step", "num_steps", "error", "trained_by")
    for stage in Stage.objects.filter(run__in=runs).order_by("run", "index"):
        found[stage.run_id].append({name: getattr(stage, name) for name in names})
    return found


def percent_done(stages: Sequence[Mapping[str, Any]]) -> int:
    total = sum(stage["num_steps"] for stage in stages)
    return int(100 * sum(stage["last_step"] for stage in stages) / total) if total else 0


def latest_accuracies(run_ids: Sequence[int]) -> dict[int, float]:
    """Returns the accuracy of each run's newest validation, of a stage that it took over where none is its own. Three queries."""
    seen = Event.objects.filter(run__in=run_ids, kind="evaluated", data__split="validation")
    newest = [row["newest"] for row in seen.order_by().values("run").annotate(newest=Max("pk"))]
    reused = Stage.objects.filter(run__in=run_ids, status=Status.REUSED).order_by("index").values_list("run_id", "results")
    own = Event.objects.filter(pk__in=newest).values_list("run_id", "data__metrics")
    told = [(run, metrics) for run, metrics in (*reused, *own) if VALIDATION_ACCURACY in (metrics or {})]
    return {run: decode(metrics[VALIDATION_ACCURACY]) for run, metrics in told}


def attempts_of(run_ids: Sequence[int]) -> tuple[dict[int, Attempt], dict[int, Attempt]]:
    """Returns each run's newest attempt that has made a point (else its newest), and the one that is open. One query."""
    newest: dict[int, Attempt] = {}
    at_work: dict[int, Attempt] = {}
    for attempt in Attempt.objects.filter(job__run__in=run_ids, job__aside=False).select_related("worker", "job").order_by("pk"):
        run_id = attempt.job.run_id
        if attempt.last_point_at or run_id not in newest:
            newest[run_id] = attempt
        if attempt.ended_at is None:
            at_work[run_id] = attempt
    return newest, at_work


def seconds_left(attempt: Attempt | None, stages: Sequence[Mapping[str, Any]]) -> float | None:
    """All steps that are left, at the pace of the newest attempt; None while that is not known."""
    pace = seconds_per_step(attempt)
    if attempt is None or pace is None or attempt.ended_at is not None:
        return None
    left: int = sum(stage["num_steps"] - stage["last_step"] for stage in stages)
    return pace * left
