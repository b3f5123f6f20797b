"""What a run would do, without doing it: steps, rates, samples per source, parameters that train, what is wrong. Torch-free."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer import catalog, parameters
from trainer.catalog import Card
from trainer.config import AnyTask, Run, Stage, Task
from trainer.schedule import curve

NEEDS: dict[str, tuple[str, ...]] = {
    "image_classification": ("image", "label"),
    "masked_lm": ("text",),
    "image_text_matching": ("image", "text"),
    "sentiment": ("image", "text", "label"),
}
MANY_EPOCHS = 20
FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a field; `blocks` means that the run cannot start."""

    path: FieldPath
    message: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.message}"


@dataclass(frozen=True)
class PlannedSource:
    dataset: str
    share: float
    num_samples: int
    epochs: float


@dataclass(frozen=True)
class PlannedTask:
    kind: str
    weight: float
    sources: list[PlannedSource]


@dataclass(frozen=True)
class PlannedStage:
    """`parameters` and `trainable` count by group (base, middle, top); None where the weights cannot be seen from here."""

    name: str
    num_steps: int
    steps: list[int]
    rates: list[float]
    tasks: list[PlannedTask]
    num_checkpoints: int
    parameters: dict[str, int] | None
    trainable: dict[str, int] | None


@dataclass(frozen=True)
class Plan:
    stages: list[PlannedStage]
    problems: list[Problem]


def num_steps(stage: Stage, cards: Mapping[str, Card]) -> int:
    """Returns the length in steps; an epoch is one pass over the training rows of the task that has most of them."""
    if stage.steps is not None:
        return stage.steps
    assert stage.epochs is not None
    rows = max(sum(rows_of(source.dataset, cards) for source in task.sources) for task in stage.tasks)
    return max(1, math.ceil(stage.epochs * rows / stage.batch_size))


def rows_of(dataset: str, cards: Mapping[str, Card]) -> int:
    return cards[dataset].num_samples.get("train", 0) if dataset in cards else 0


def plan(run: Run, cards: Mapping[str, Card]) -> Plan:
    return Plan([plan_stage(run, index, cards) for index in range(len(run.stages))], check(run, cards))


def plan_stage(run: Run, index: int, cards: Mapping[str, Card]) -> PlannedStage:
    stage = run.stages[index]
    count = num_steps(stage, cards)
    steps, rates = curve(stage.schedule, count)
    tasks = [PlannedTask(task.kind, task.weight, planned_sources(task, count * stage.batch_size, cards)) for task in stage.tasks]
    counts = parameters.count(run.model, stage, cards)
    return PlannedStage(
        stage.name,
        count,
        steps,
        rates,
        tasks,
        math.ceil(count / stage.checkpoint_interval),
        counts.by_group if counts else None,
        counts.trainable(stage.trainable) if counts else None,
    )


def planned_sources(task: Task, num_samples: int, cards: Mapping[str, Card]) -> list[PlannedSource]:
    total = sum(source.share for source in task.sources)
    planned = []
    for source in task.sources:
        drawn = round(num_samples * source.share / total)
        rows = rows_of(source.dataset, cards)
        planned.append(PlannedSource(source.dataset, source.share / total, drawn, drawn / rows if rows else 0.0))
    return planned


def check(run: Run, cards: Mapping[str, Card]) -> list[Problem]:
    """Returns what is wrong or doubtful, each with the path of its field."""
    found = [problem for index, stage in enumerate(run.stages) for problem in check_stage(stage, index, cards)]
    if run.quantization and run.stages[-1].tasks[0].kind != "sentiment":
        message = "the last stage's first task must be sentiment, for its classifier is what is quantized; or leave quantization out"
        found.append(Problem(("quantization",), message))
    return found


def check_stage(stage: Stage, index: int, cards: Mapping[str, Card]) -> list[Problem]:
    found = [
        problem for number, task in enumerate(stage.tasks) for problem in check_task(stage, task, ("stages", index, "tasks", number), cards)
    ]
    if any(problem.blocks for problem in found):
        return found
    count = num_steps(stage, cards)
    if stage.schedule.warmup_steps >= count:
        message = f"must be less than the stage's {count:,} steps"
        found.append(Problem(("stages", index, "schedule", "warmup_steps"), message))
    return found


def check_task(stage: Stage, task: AnyTask, path: FieldPath, cards: Mapping[str, Card]) -> Iterator[Problem]:
    classes = set()
    for number, source in enumerate(task.sources):
        place = (*path, "sources", number)
        card = cards.get(source.dataset)
        if card is None:
            yield Problem((*place, "dataset"), f"there is no data set {source.dataset!r}; there are {', '.join(cards)}")
            continue
        classes.add(card.classes)
        yield from check_source(task, card, place)
    if len(classes) > 1 and "label" in NEEDS[task.kind]:
        yield Problem((*path, "sources"), "the data sets of one task must have the same classes")
    yield from check_repetition(stage, task, path, cards)


def check_source(task: AnyTask, card: Card, place: FieldPath) -> Iterator[Problem]:
    missing = [column for column in NEEDS[task.kind] if column not in card.columns]
    if missing:
        yield Problem((*place, "dataset"), f"{card.name} has no {' and no '.join(missing)}, which {task.kind} needs")
    for split in ("train", "validation"):
        if not card.num_samples.get(split):
            yield Problem((*place, "dataset"), f"the {split} split of {card.name} is empty")


def check_repetition(stage: Stage, task: Task, path: FieldPath, cards: Mapping[str, Card]) -> Iterator[Problem]:
    """Doubtful, not wrong: a source that is seen very often, or never."""
    if any(source.dataset not in cards for other in stage.tasks for source in other.sources):
        return
    for number, source in enumerate(planned_sources(task, num_steps(stage, cards) * stage.batch_size, cards)):
        if source.num_samples == 0:
            yield Problem((*path, "sources", number, "share"), f"not one sample of {source.dataset} would be drawn", False)
        if source.epochs > MANY_EPOCHS:
            yield Problem(
                (*path, "sources", number, "share"),
                f"{source.dataset} is seen {source.epochs:.1f} times; lower its share or add data",
                False,
            )


def print_plan(file: Path, folders: Sequence[Path], *, as_json: bool) -> int:
    """The verb `plan` for a run's config or a recipe: a table, or JSON; 2 when something would keep the run from starting."""
    document = json.loads(file.read_text())
    run = Run.model_validate(document.get("config", document) if isinstance(document, dict) else document)
    planned = plan(run, catalog.load(folders))
    print(json.dumps(asdict(planned), indent=1) if as_json else table(planned))
    return 2 if any(problem.blocks for problem in planned.problems) else 0


def table(planned: Plan) -> str:
    lines = [f"{'stage':<16}{'steps':>8}{'peak rate':>12}{'last rate':>12}{'trains':>14}  mixture"]
    for stage in planned.stages:
        trains = "?" if stage.trainable is None else f"{sum(stage.trainable.values()):,}"
        mixture = "; ".join(
            f"{task.kind}: " + ", ".join(f"{source.dataset} {source.share:.0%} ({source.epochs:.1f} epochs)" for source in task.sources)
            for task in stage.tasks
        )
        lines.append(f"{stage.name:<16}{stage.num_steps:>8,}{max(stage.rates):>12.3g}{stage.rates[-1]:>12.3g}{trains:>14}  {mixture}")
    return "\n".join([*lines, *(f"{'error' if problem.blocks else 'note'}: {problem}" for problem in planned.problems)])
