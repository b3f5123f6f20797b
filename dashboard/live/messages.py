"""The wire contract of the run page: what one transaction changed, as the stream, the websocket and the page know it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any, NotRequired, TypedDict


class Points(TypedDict):
    """New points of one metric. NaN and infinity travel as "nan", "inf" and "-inf"."""

    stage: int
    attempt: int
    metric: str
    step: list[int]
    value: list[float | str]


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
    status: str
    rows: list[dict[str, Any]]
    error: str


@dataclass
class Update:
    """Everything one transaction changed; `cursor` is its number in the run, contiguous from 1."""

    run_id: int
    cursor: int
    at: float = field(default_factory=time.time)
    run: RunState | None = None
    stages: list[StageState] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    events: list[Moment] = field(default_factory=list)
    log: list[LogText] = field(default_factory=list)
    quantization: QuantizationState | None = None

    @property
    def num_points(self) -> int:
        return sum(len(points["step"]) for points in self.points)

    def to_json(self) -> str:
        """Leaves out what did not change."""
        body = {name: value for name, value in asdict(self).items() if name != "run_id" and value not in (None, [])}
        return json.dumps({"type": "update", **body}, ensure_ascii=False, separators=(",", ":"))


def joined(cursor: int, replayed: int) -> str:
    """Says that everything up to `cursor` has been sent, `replayed` points of it caught up from the database."""
    return json.dumps({"type": "joined", "cursor": cursor, "replayed": replayed})
