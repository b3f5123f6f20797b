"""The first look: the plan of the run that is about to start, and the steps that lead to a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.metrics.sparklines import HEIGHT, WIDTH, Spark
from dashboard.runs.models import Run, Status
from dashboard.runs.rows import Row
from trainer.config import Schedule
from trainer.schedule import curve

NUM_POINTS = 120
TOP, BOTTOM = 14, 96


@dataclass(frozen=True)
class Band:
    """One stage of the plan: its share of 24 columns, its planned rate as a polyline on 100 by 100, and its piece of the loss curve."""

    stage: dict[str, Any]
    description: str
    span: int
    planned: str
    view_box: str
    spark: Spark | None

    @property
    def percent(self) -> int:
        return int(100 * self.stage["last_step"] / max(self.stage["num_steps"], 1))


@dataclass(frozen=True)
class Steps:
    """How far a new person has come; `compared` are the newest two completed runs, if there are two."""

    first: Run | None
    has_completed: bool
    has_several: bool
    compared: list[int]

    @property
    def done(self) -> int:
        return 1 + self.has_completed + self.has_several


def steps(runs: Sequence[Run]) -> Steps:
    completed = [run.pk for run in runs if run.status == Status.COMPLETED]
    return Steps(runs[-1] if runs else None, bool(completed), len(runs) > 1, sorted(completed[:2]) if len(completed) > 1 else [])


def bands(row: Row) -> list[Band]:
    """All stages share one axis of the rate, and the loss one axis of steps, of which each band shows its piece."""
    configs = row.run.config["stages"]
    rates = [planned(config["schedule"], stage["num_steps"]) for config, stage in zip(configs, row.stages, strict=True)]
    peak = max(max(values) for _, values in rates)
    total, done, found = sum(stage["num_steps"] for stage in row.stages), 0, []
    for (stage, span), config, rate in zip(row.spans, configs, rates, strict=True):
        box = f"{WIDTH * done / total:.2f} 0 {WIDTH * stage['num_steps'] / total:.2f} {HEIGHT}"
        found.append(Band(stage, config["description"], span, polyline(rate, stage["num_steps"], peak), box, row.spark))
        done += stage["num_steps"]
    return found


def planned(schedule: dict[str, Any], num_steps: int) -> tuple[list[int], list[float]]:
    return curve(Schedule.model_validate(schedule), num_steps, NUM_POINTS)


def polyline(rate: tuple[list[int], list[float]], num_steps: int, peak: float) -> str:
    height = (BOTTOM - TOP) / peak
    return " ".join(f"{100 * step / num_steps:.1f},{BOTTOM - height * value:.1f}" for step, value in zip(*rate, strict=True))
