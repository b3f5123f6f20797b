"""The plan as the page draws it: curves, mixtures and layers per stage, totals, and what is doubtful."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard.numbers import number, rate
from dashboard.runs.form.layout import STAGE_COLOURS
from dashboard.runs.form.words import CHOICES
from trainer import catalog, plan, schedule
from trainer.catalog import Card
from trainer.config import LanguageModel, Model, Run, Schedule, Stage
from trainer.plan import PlannedSource, PlannedStage, PlannedTask, Problem

GROUPS = ("base", "middle", "top")
Curve = tuple[list[int], list[float]]
HEADROOM = 1.15


@dataclass(frozen=True)
class Block:
    """A group of parameters; `state` says whether all, some or none of it trains."""

    group: str
    state: str
    num_trainable: int
    num_parameters: int

    @property
    def words(self) -> str:
        return millions(self.num_parameters)


@dataclass(frozen=True)
class Segment:
    """A data set in a mixture: a rectangle on 1,000 units, and its numbers; `num_tokens` only of language models."""

    path: str
    title: str
    task: Any
    share: float
    x: float
    width: float
    shade: int
    num_samples: int
    num_tokens: int | None
    epochs: float

    @property
    def tokens(self) -> str:
        return millions(self.num_tokens)


@dataclass(frozen=True)
class StageView:
    """`before` is the curve of the recipe, empty where it is the same. `row_length` is that of a language model, in tokens."""

    index: int
    colour: int
    planned: PlannedStage
    batch_size: int
    row_length: int | None
    points: str
    before: str
    words: str
    mixtures: list[list[Segment]]
    blocks: list[Block]

    @property
    def num_trainable(self) -> int | None:
        return sum(block.num_trainable for block in self.blocks) if self.blocks else None

    @property
    def trains(self) -> str:
        return millions(self.num_trainable)

    @property
    def share_trainable(self) -> float | None:
        total = sum(block.num_parameters for block in self.blocks)
        return (self.num_trainable or 0) / total if total else None


@dataclass(frozen=True)
class Preview:
    stages: list[StageView]
    ticks: list[tuple[float, float]]
    totals: list[tuple[Any, str]]
    notes: list[Problem]

    @property
    def num_steps(self) -> int:
        return sum(stage.planned.num_steps for stage in self.stages)


def preview_of(run: Run, recipe: Run | None = None) -> Preview:
    """With the recipe that it came from, whose curves are drawn beneath."""
    cards = catalog.load([settings.DATASETS_DIR])
    planned = plan.plan(run, cards)
    before = [curve(stage, cards, recipe.model) for stage in recipe.stages[: len(run.stages)]] if recipe else []
    top = HEADROOM * max(max(rates) for _steps, rates in [*((stage.steps, stage.rates) for stage in planned.stages), *before])
    stages = [stage_view(index, stage, run, top, cards, before) for index, stage in enumerate(planned.stages)]
    notes = [problem for problem in planned.problems if not problem.blocks]
    return Preview(stages, [(tick, height(tick, top)) for tick in ticks(top)], totals(run, planned.stages), notes)


def curve(stage: Stage, cards: Mapping[str, Card], model: Model) -> Curve:
    return schedule.curve(stage.schedule, plan.num_steps(stage, cards, model))


def stage_view(index: int, planned: PlannedStage, run: Run, top: float, cards: Mapping[str, Card], before: Sequence[Curve]) -> StageView:
    """`before` holds the curves of the recipe's stages."""
    now, stage = (planned.steps, planned.rates), run.stages[index]
    return StageView(
        index=index + 1,
        colour=index % STAGE_COLOURS + 1,
        planned=planned,
        batch_size=stage.batch_size,
        row_length=run.model.max_tokens if isinstance(run.model, LanguageModel) else None,
        points=points(now, planned.num_steps, top),
        before=next((points(other, planned.num_steps, top) for other in before[index : index + 1] if other != now), ""),
        words=in_words(stage),
        mixtures=mixtures(index, planned, cards),
        blocks=blocks(planned),
    )


def points(drawn: Curve, num_steps: int, top: float) -> str:
    """Of a polyline on 1,000 x 100 units, which are the steps of the stage; what goes beyond them is left out."""
    span = max(num_steps - 1, 1)
    within = [(step, value) for step, value in zip(*drawn, strict=True) if step <= num_steps]
    return " ".join(f"{1000 * (step - 1) / span:.1f},{height(value, top):.2f}" for step, value in within)


def height(value: float, top: float) -> float:
    return round(100 - 100 * value / top, 2)


def ticks(top: float) -> list[float]:
    """Two to four round values below the top: 1, 2 or 5 times a power of ten."""
    rough = top / 4
    power = 10.0 ** math.floor(math.log10(rough))
    interval = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [interval * count for count in range(1, math.floor(top / interval) + 1)]


def in_words(stage: Stage) -> str:
    """3e-4, warm-up 800, cosine to 5e-5."""
    words = [rate(stage.schedule.peak_rate)]
    if stage.schedule.warmup_steps:
        words.append(_("warm-up %(steps)s") % {"steps": number(stage.schedule.warmup_steps)})
    return ", ".join([*words, shape_in_words(stage.schedule)])


def shape_in_words(shaped: Schedule) -> str:
    """A shape that falls only at the end of its stage says for how long."""
    shape = str(CHOICES[shaped.shape]).lower()
    if shaped.decay_steps is not None:
        shape = _("decay over the last %(steps)s") % {"steps": number(shaped.decay_steps)}
    return shape if shaped.final_rate is None else _("%(shape)s to %(rate)s") % {"shape": shape, "rate": rate(shaped.final_rate)}


def mixtures(index: int, planned: PlannedStage, cards: Mapping[str, Card]) -> list[list[Segment]]:
    """One bar for each task; a language model's tasks share one, for they divide the tokens of the stage among them."""
    bars = [
        [(f"stages.{index}.tasks.{number}.sources.{place}", task, source) for place, source in enumerate(task.sources)]
        for number, task in enumerate(planned.tasks)
    ]
    bars = [[drawn for bar in bars for drawn in bar]] if planned.num_tokens is not None else bars
    return [list(segments(bar, cards)) for bar in bars]


def segments(bar: Iterable[tuple[str, PlannedTask, PlannedSource]], cards: Mapping[str, Card]) -> Iterator[Segment]:
    x = 0.0
    for place, (path, task, source) in enumerate(bar):
        width = 1000 * source.share
        yield Segment(
            path=path,
            title=cards[source.dataset].title if source.dataset in cards else source.dataset,
            task=CHOICES[task.kind],
            share=source.share,
            x=round(x, 1),
            width=round(max(width - 4, 0), 1),
            shade=place % 3 + 1,
            num_samples=source.num_samples,
            num_tokens=source.num_tokens,
            epochs=source.epochs,
        )
        x += width


def blocks(planned: PlannedStage) -> list[Block]:
    """Empty where the weights cannot be seen from here."""
    if planned.parameters is None or planned.trainable is None:
        return []
    return [block(group, planned.trainable[group], planned.parameters[group]) for group in GROUPS]


def block(group: str, num_trainable: int, num_parameters: int) -> Block:
    state = "all" if num_trainable == num_parameters else "some" if num_trainable else "none"
    return Block(group, state, num_trainable, num_parameters)


def millions(count: int | None) -> str:
    """A number of parameters or tokens, short: 263 k, 1.49 M, 24.1 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count and count >= size:
            return f"{number(count / size, 3)} {unit}"
    return number(count)


def totals(run: Run, planned: list[PlannedStage]) -> list[tuple[Any, str]]:
    parameters = max((sum(stage.parameters.values()) for stage in planned if stage.parameters), default=None)
    return [
        (_("Stages"), number(len(planned))),
        (_("Steps"), number(sum(stage.num_steps for stage in planned))),
        drawn(planned),
        (_("Checkpoints"), number(sum(stage.num_checkpoints for stage in planned))),
        (_("Parameters"), millions(parameters)),
        (_("CPU threads"), number(run.num_threads) if run.num_threads else _("all")),
    ]


def drawn(planned: list[PlannedStage]) -> tuple[Any, str]:
    """What the run sees in all: tokens of a language model, else samples."""
    tokens = [stage.num_tokens for stage in planned if stage.num_tokens is not None]
    if tokens:
        about = _("about %(count)s") if any(stage.is_estimate for stage in planned) else "%(count)s"
        return _("Tokens"), about % {"count": millions(sum(tokens))}
    return _("Samples"), number(sum(source.num_samples for stage in planned for task in stage.tasks for source in task.sources))
