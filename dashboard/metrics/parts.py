"""Which series a curve is made of: the newest attempt that made a step has it, and reused stages show who trained them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dashboard.metrics.models import Series
from dashboard.runs.models import Attempt, Run, Stage

BEGINNING, END = 0, 2**63 - 1


@dataclass(frozen=True)
class Piece:
    """A metric from step `low` to `high`; with `attempt`, everything that attempt wrote, superseded or not."""

    metric: str
    attempt: int | None = None
    low: int = BEGINNING
    high: int = END


@dataclass(frozen=True)
class Ask:
    """A piece of one stage in steps of the stage, or of the whole run in steps of the run."""

    run: Run
    piece: Piece
    stage: int | None = None


class Head(NamedTuple):
    """What reading needs of a series' head."""

    pk: int
    attempt: int
    metric: str
    num_points: int
    first_step: int
    last_step: int
    last_value: float | None


@dataclass(frozen=True)
class Part:
    """The points of a series from `low` to `high`, drawn `offset` steps later."""

    head: Head
    stage: int
    attempt: Attempt
    low: int
    high: int
    offset: int = 0

    @property
    def is_whole(self) -> bool:
        return self.low <= self.head.first_step and self.high >= self.head.last_step


Heads = Mapping[tuple[int, str], Head]


@dataclass(frozen=True)
class Material:
    """The stages, attempts and heads of many runs: three queries."""

    stages: Mapping[int, Sequence[Stage]]
    attempts: Mapping[int, Sequence[Attempt]]
    heads: Heads

    @classmethod
    def of(cls, runs: Iterable[Run], metrics: Collection[str]) -> Material:
        stages: dict[int, list[Stage]] = defaultdict(list)
        for stage in Stage.objects.filter(run__in={run.pk for run in runs}).defer(*LARGE).order_by("index"):
            stages[stage.run_id].append(stage)
        attempts = attempts_of([stage.trained_by for group in stages.values() for stage in group])
        return cls(stages, attempts, heads_of(attempts, metrics))

    def attempts_of(self, run: Run, index: int) -> Sequence[Attempt]:
        """Of one stage, oldest first."""
        stage = next(stage for stage in self.stages[run.pk] if stage.index == index)
        return self.attempts.get(stage.trained_by, ())

    def parts(self, ask: Ask) -> list[Part]:
        found, offset = [], 0
        for stage in self.stages.get(ask.run.pk, ()):
            shift = offset if ask.stage is None else 0
            if ask.stage in (None, stage.index):
                piece = replace(ask.piece, low=ask.piece.low - shift, high=ask.piece.high - shift)
                found += parts_of(stage.index, self.attempts.get(stage.trained_by, ()), self.heads, piece, shift)
            offset += stage.num_steps
        return found


LARGE = ("results", "ledger", "expert_loads", "watched", "inputs", "error")


def attempts_of(jobs: Collection[int]) -> dict[int, list[Attempt]]:
    """The attempts of each job, oldest first."""
    found: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(job__in=set(jobs)).defer("error").order_by("number"):
        found[attempt.job_id].append(attempt)
    return found


def heads_of(attempts: Mapping[int, Sequence[Attempt]], metrics: Collection[str]) -> dict[tuple[int, str], Head]:
    """The heads by attempt and metric."""
    ids = [attempt.pk for group in attempts.values() for attempt in group]
    fields = ("pk", "attempt_id", "metric", "num_points", "first_step", "last_step", "last_value")
    rows = Series.objects.filter(attempt__in=ids, metric__in=set(metrics)).values_list(*fields)
    return {(row[1], row[2]): Head(*row) for row in rows}


def parts_of(stage: int, attempts: Sequence[Attempt], heads: Heads, piece: Piece, offset: int = 0) -> list[Part]:
    """The parts of one stage's curve, in order of their steps."""
    found = []
    for attempt in attempts:
        head = heads.get((attempt.pk, piece.metric))
        if head is None or piece.attempt not in (None, attempt.number):
            continue
        high = piece.high if piece.attempt else min(piece.high, superseded_from(attempt, attempts) - 1)
        if head.num_points and max(piece.low, head.first_step) <= min(high, head.last_step):
            found.append(Part(head, stage, attempt, piece.low, high, offset))
    return found


def superseded_from(attempt: Attempt, attempts: Iterable[Attempt]) -> int:
    """Returns the step from which on later attempts have made this one's points again."""
    return min((later.first_step for later in attempts if later.number > attempt.number and later.first_step), default=END)
