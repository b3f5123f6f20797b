"""The wire contract of the run page: what one transaction changed, as the stream, the websocket and the page know it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import numpy as np

from trainer.events import encode


@dataclass(frozen=True, eq=False)
class Points:
    """New points of one metric, in step order: steps (u32) and values (f64), equally long."""

    stage: int
    attempt: int
    metric: str
    steps: np.ndarray
    values: np.ndarray

    def to_document(self) -> dict[str, Any]:
        """NaN and infinity travel as "nan", "inf" and "-inf"."""
        values = self.values.tolist() if np.isfinite(self.values).all() else [encode(value) for value in self.values.tolist()]
        return {"stage": self.stage, "attempt": self.attempt, "metric": self.metric, "step": self.steps.tolist(), "value": values}


class Moment(TypedDict):
    """An event on the time line; `at` in Unix seconds."""

    stage: int
    attempt: int
    kind: str
    step: int | None
    at: float
    data: dict[str, Any]


class LogText(TypedDict):
    stage: int
    attempt: int
    text: str


class RunState(TypedDict):
    status: str
    started_at: float | None
    ended_at: float | None


class AttemptState(TypedDict):
    number: int
    first_step: int | None
    last_step: int | None
    outcome: str
    worker: str


class Origin(TypedDict):
    """The run that trained a stage which was reused, and the number that people know it by."""

    run: int
    number: int


class StageState(TypedDict):
    index: int
    name: str
    status: str
    last_step: int
    num_steps: int
    attempts: list[AttemptState]
    results: dict[str, Any]
    error: str
    started_at: NotRequired[float | None]
    ended_at: NotRequired[float | None]
    reused_from: NotRequired[Origin | None]


class QuantizationState(TypedDict):
    """`rows` are the precisions that have been measured."""

    status: str
    rows: list[str]
    error: str


class AsideState(TypedDict):
    """A job beside the run's own work. `progress` has `what`, and `done` of `total` where that can be counted."""

    id: int
    kind: str
    status: str
    error: str
    progress: dict[str, Any]


class Progress(TypedDict):
    """Of an update that changed nothing else of the state."""

    stage: int
    last_step: int


@dataclass
class Update:
    """Everything one transaction changed; `cursor` is its number in the run, contiguous from 1."""

    run_id: int
    cursor: int
    at: float = field(default_factory=time.time)
    run: RunState | None = None
    stages: list[StageState] = field(default_factory=list)
    progress: Progress | None = None
    points: list[Points] = field(default_factory=list)
    events: list[Moment] = field(default_factory=list)
    log: list[LogText] = field(default_factory=list)
    quantization: QuantizationState | None = None
    asides: list[AsideState] = field(default_factory=list)

    @property
    def num_points(self) -> int:
        return sum(len(points.steps) for points in self.points)

    def body(self) -> dict[str, Any]:
        """What changed, beside the points; what did not is left out."""
        told = {name: getattr(self, name) for name in ("run", "stages", "progress", "events", "log", "quantization", "asides")}
        return {name: value for name, value in told.items() if value not in (None, [])}

    def to_json(self) -> str:
        points = {"points": [each.to_document() for each in self.points]} if self.points else {}
        return json.dumps(
            {"type": "update", "cursor": self.cursor, "at": self.at, **self.body(), **points}, ensure_ascii=False, separators=(",", ":")
        )


def joined(cursor: int, replayed: int) -> str:
    """Says that everything up to `cursor` has been sent, `replayed` points of it caught up from the database."""
    return json.dumps({"type": "joined", "cursor": cursor, "replayed": replayed})
