"""The stage strip: where each stage begins and ends on a bar as wide as the run is long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUM_COLOURS = 5
COLUMNS = 24


@dataclass(frozen=True)
class Segment:
    """One stage on the bar. `x`, `width` and `done` are in percent of the bar."""

    index: int
    name: str
    status: str
    last_step: int
    num_steps: int
    x: float
    width: float
    done: float

    @property
    def end(self) -> float:
        return round(self.x + self.done, 2)

    @property
    def colour(self) -> int:
        return (self.index - 1) % NUM_COLOURS + 1

    @property
    def repeats(self) -> bool:
        return self.index > NUM_COLOURS


def segments(stages: Sequence[Mapping[str, Any]], gap: float) -> list[Segment]:
    """Lays the stages out by their steps, `gap` percent apart."""
    room, total = 100 - gap * (len(stages) - 1), sum(stage["num_steps"] for stage in stages) or 1
    found, x = [], 0.0
    for stage in stages:
        width = room * stage["num_steps"] / total
        done = width * min(1.0, stage["last_step"] / max(stage["num_steps"], 1))
        fields = {name: stage[name] for name in ("index", "name", "status", "last_step", "num_steps")}
        found.append(Segment(**fields, x=round(x, 2), width=round(width, 2), done=round(done, 2)))
        x += width + gap
    return found


def columns(stages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Shares of 24 columns, at least 1 each: widths of HTML boxes, which the stylesheet knows by number."""
    total = sum(stage["num_steps"] for stage in stages) or 1
    return [max(1, round(COLUMNS * stage["num_steps"] / total)) for stage in stages]
