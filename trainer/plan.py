"""What a run would do, without doing it: steps, rates, what each source gives, parameters that train, what is wrong. Torch-free."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer import catalog, parameters
from trainer.amounts import PlannedSource, num_steps, planned_sources
from trainer.catalog import Card
from trainer.config import LanguageModel, Run
from trainer.problems import Problem, check, check_stage
from trainer.schedule import curve

__all__ = ["Plan", "PlannedSource", "PlannedStage", "PlannedTask", "Problem", "check", "check_stage", "num_steps", "plan", "print_plan"]


@dataclass(frozen=True)
class PlannedTask:
    kind: str
    weight: float
    sources: list[PlannedSource]


@dataclass(frozen=True)
class PlannedStage:
    """`parameters` and `trainable` count by group (base, middle, top); None where the weights cannot be seen from here.

    `num_tokens` of a language model's stage is an estimate where `is_estimate` says so: its length was given in epochs.
    """

    name: str
    num_steps: int
    steps: list[int]
    rates: list[float]
    tasks: list[PlannedTask]
    num_checkpoints: int
    parameters: dict[str, int] | None
    trainable: dict[str, int] | None
    num_tokens: int | None = None
    is_estimate: bool = False


@dataclass(frozen=True)
class Plan:
    stages: list[PlannedStage]
    problems: list[Problem]


def plan(run: Run, cards: Mapping[str, Card]) -> Plan:
    return Plan([plan_stage(run, index, cards) for index in range(len(run.stages))], check(run, cards))


def plan_stage(run: Run, index: int, cards: Mapping[str, Card]) -> PlannedStage:
    stage = run.stages[index]
    count = num_steps(stage, cards, run.model)
    steps, rates = curve(stage.schedule, count)
    counts = parameters.count(run.model, stage, cards)
    num_tokens = count * stage.batch_size * run.model.max_tokens if isinstance(run.model, LanguageModel) else None
    return PlannedStage(
        stage.name,
        count,
        steps,
        rates,
        [PlannedTask(task.kind, task.weight, planned_sources(stage, task, cards, run.model)) for task in stage.tasks],
        math.ceil(count / stage.checkpoint_interval),
        counts.by_group if counts else None,
        counts.trainable(stage.trainable) if counts else None,
        num_tokens,
        num_tokens is not None and stage.epochs is not None,
    )


def print_plan(file: Path, folders: Sequence[Path], *, as_json: bool) -> int:
    """The verb `plan` for a run's config or a recipe: a table, or JSON; 2 when something would keep the run from starting."""
    document = json.loads(file.read_text())
    run = Run.model_validate(document.get("config", document) if isinstance(document, dict) else document)
    planned = plan(run, catalog.load(folders))
    print(json.dumps(asdict(planned), indent=1) if as_json else table(planned))
    return 2 if any(problem.blocks for problem in planned.problems) else 0


def table(planned: Plan) -> str:
    head = f"{'stage':<16}{'steps':>8}{'peak rate':>12}{'last rate':>12}{'trains':>16}{'tokens':>20}  mixture"
    said = (f"{'error' if problem.blocks else 'note'}: {problem}" for problem in planned.problems)
    return "\n".join([head, *map(line, planned.stages), *said])


def line(stage: PlannedStage) -> str:
    trains = "?" if stage.trainable is None else f"{sum(stage.trainable.values()):,}"
    tokens = "-" if stage.num_tokens is None else f"{'~' if stage.is_estimate else ''}{stage.num_tokens:,}"
    rates = f"{max(stage.rates):>12.3g}{stage.rates[-1]:>12.3g}"
    mixture = "; ".join(f"{task.kind}: {', '.join(map(words, task.sources))}" for task in stage.tasks)
    return f"{stage.name:<16}{stage.num_steps:>8,}{rates}{trains:>16}{tokens:>20}  {mixture}"


def words(source: PlannedSource) -> str:
    return f"{source.dataset} {source.share:.0%} ({source.epochs:.1f} epochs)"
