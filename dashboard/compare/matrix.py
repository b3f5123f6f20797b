"""The matrix of a comparison: stages down, runs across; each stage's result, its distance to the baseline, cost and changed fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dashboard.compare.differences import Differences
from dashboard.numbers import MINUS, number
from dashboard.runs.models import DONE, Attempt, Run, Stage, Status
from dashboard.runs.results import active_seconds, attempts_of, measured_on
from trainer.events import decode

# What the selector offers: the name in the URL, and what a reader calls it.
METRICS: dict[str, Any] = {
    "accuracy": _("accuracy"),
    "macro_f1": _("macro F1"),
    "loss": _("validation loss"),
    "train/loss": _("train loss"),
}
STRONGEST_SHADE = 5
# The difference that gets the strongest shade: points of a share, or this part of the baseline's loss.
SHADED_SHARE, SHADED_LOSS = 0.03, 0.3


@dataclass(frozen=True)
class Change:
    """A field in which this run differs from the baseline."""

    name: str
    was: str | None
    now: str | None


@dataclass(frozen=True)
class Cell:
    """One stage of one run. `brought` is the change from the stage before, only where both measure the same tasks."""

    stage: Stage | None
    value: float | None
    test: float | None
    brought: float | None
    duration_s: float | None
    num_attempts: int
    changes: list[Change]
    delta: float | None = None
    better: bool | None = None
    is_best: bool = False
    is_other_task: bool = False
    shade: int = 0
    is_share: bool = True

    @property
    def text(self) -> str:
        return figure(self.value, self.is_share)

    @property
    def test_text(self) -> str:
        return figure(self.test, self.is_share)

    @property
    def delta_text(self) -> str:
        return difference(self.delta, self.is_share)

    @property
    def brought_text(self) -> str:
        return difference(self.brought, self.is_share)


@dataclass(frozen=True)
class Row:
    index: int
    name: str
    cells: list[Cell]

    @property
    def colour(self) -> int:
        return (self.index - 1) % 5 + 1

    @property
    def is_measured(self) -> bool:
        return any(cell.value is not None for cell in self.cells)


@dataclass(frozen=True)
class Total:
    """The whole run: its time, so far while stages are open, and how much shorter or longer than the baseline's."""

    duration_s: float | None
    change: float | None
    is_open: bool

    @property
    def text(self) -> str:
        return "" if self.change is None else f"{difference(round(self.change, 2), is_share=True).removesuffix('.00')} % {gettext('time')}"


@dataclass(frozen=True)
class Matrix:
    runs: list[Run]
    metric: str
    rows: list[Row]
    totals: list[Total]

    @property
    def is_share(self) -> bool:
        return "loss" not in self.metric


def figure(value: float | None, is_share: bool) -> str:
    """A share stands without its unit, which the row's head names."""
    if value is None or not math.isfinite(value):
        return number(value)
    return f"{100 * value:.2f}" if is_share else number(value)


def difference(delta: float | None, is_share: bool) -> str:
    """With its sign, zero without one."""
    if delta is None or not math.isfinite(delta):
        return ""
    size = f"{abs(100 * delta):.2f}" if is_share else f"{abs(delta):.4g}"
    return f"{'' if float(size) == 0 else '+' if delta > 0 else MINUS}{size}"


def name_in_results(metric: str, split: str = "validation") -> str:
    return metric if metric.startswith("train/") else f"{split}/{metric}"


def result(stage: Stage, metric: str, split: str = "validation") -> float | None:
    found = stage.results.get(name_in_results(metric, split))
    return None if found is None else decode(found)


def matrix_of(runs: Sequence[Run], metric: str, differences: Differences) -> Matrix:
    """The first run is the baseline."""
    stages = {run.pk: list(run.stages) for run in runs}
    attempts = {run.pk: attempts_of(run) for run in runs}
    depth = max(len(each) for each in stages.values())
    rows = [row(runs, stages, attempts, place, metric, differences) for place in range(depth)]
    return Matrix(list(runs), metric, rows, totals(rows))


def row(
    runs: Sequence[Run],
    stages: dict[int, list[Stage]],
    attempts: dict[int, dict[int, list[Attempt]]],
    place: int,
    metric: str,
    found: Differences,
) -> Row:
    cells = [
        cell(run, stages[run.pk], place, attempts[run.pk], metric, changes(found, place + 1, number)) for number, run in enumerate(runs)
    ]
    name = next(stages[run.pk][place].name for run in runs if place < len(stages[run.pk]))
    compared = [against(each, cells[0], metric, run, runs[0]) for each, run in zip(cells, runs, strict=True)]
    return Row(place + 1, name, mark_best(compared, metric))


def cell(run: Run, stages: list[Stage], place: int, attempts: dict[int, list[Attempt]], metric: str, changed: list[Change]) -> Cell:
    if place >= len(stages):
        return Cell(None, None, None, None, None, 0, [])
    stage, own = stages[place], attempts[stages[place].pk]
    value = result(stage, metric)
    test = result(stage, metric, "test") if not metric.startswith("train/") else None
    gain = brought(run, stages, place, metric, value)
    return Cell(stage, value, test, gain, active_seconds(own), len(own), changed, is_share="loss" not in metric)


def brought(run: Run, stages: list[Stage], place: int, metric: str, value: float | None) -> float | None:
    if place == 0 or value is None or measured_on(stages[place - 1], run) != measured_on(stages[place], run):
        return None
    before = result(stages[place - 1], metric)
    return None if before is None else value - before


def changes(found: Differences, stage: int, number: int) -> list[Change]:
    """Nothing for the baseline itself."""
    fields = found.of_stage(stage) if number else []
    return [Change(field.name, field.values[0], field.values[number]) for field in fields if field.values[number] != field.values[0]]


def against(each: Cell, baseline: Cell, metric: str, run: Run, first: Run) -> Cell:
    """Adds the distance to the baseline and how strongly it is shaded; nothing where the two are measured on different things."""
    if each.stage and baseline.stage and measured_on(each.stage, run) != measured_on(baseline.stage, first):
        return replace(each, is_other_task=True)
    if each is baseline or each.value is None or baseline.value is None:
        return each
    delta = each.value - baseline.value
    if not math.isfinite(delta):
        return each
    full = SHADED_LOSS * abs(baseline.value) if "loss" in metric else SHADED_SHARE
    shade = min(STRONGEST_SHADE, round(STRONGEST_SHADE * abs(delta) / full)) if full else 0
    return replace(each, delta=delta, better=is_better(delta, metric), shade=shade)


def is_better(delta: float, metric: str) -> bool | None:
    return None if delta == 0 else (delta > 0) == ("loss" not in metric)


def mark_best(cells: list[Cell], metric: str) -> list[Cell]:
    """The one best value of the row, if there is one; only stages that have ended compete."""
    competing = [cell for cell in cells if cell.stage and cell.stage.status in DONE and not cell.is_other_task]
    ended = [cell.value for cell in competing if cell.value is not None]
    best = (min if "loss" in metric else max)(ended, default=None)
    if best is None or len(ended) < 2 or ended.count(best) > 1:
        return cells
    return [replace(each, is_best=each in competing and each.value == best) for each in cells]


def totals(rows: list[Row]) -> list[Total]:
    found: list[Total] = []
    for column in zip(*(row.cells for row in rows), strict=True):
        times = [0.0 if cell.stage.status == Status.REUSED else cell.duration_s for cell in column if cell.stage]
        spent, is_open = sum(each or 0 for each in times), None in times
        baseline = found[0].duration_s if found and not is_open and not found[0].is_open else None
        found.append(Total(spent or None, spent / baseline - 1 if baseline else None, is_open))
    return found
