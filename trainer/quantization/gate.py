"""The export gate: which INT8 wins, and whether it may be served. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from trainer.quantization.precisions import INT8, WHOLE

# Two measurements of one graph differ by this much on a machine that does other work too.
AS_FAST = 1.15


class Gate(BaseModel):
    """The verdict on an export. Points are hundredths of accuracy; a drop below 0 is a gain."""

    model_config = ConfigDict(frozen=True)

    max_drop: float = Field(description="Points of accuracy against FP32 that INT8 may lose.")
    drops: dict[str, float] = Field(description="Points that each INT8 loses.")
    winner: str = Field(description="The INT8 that is offered; see `chosen`.")
    passes: bool = Field(description="Whether the winner may be served.")

    def allows(self, precision: str) -> bool:
        """Whether an INT8 loses no more than the gate lets through."""
        return within(self.drops[precision], self.max_drop)


def within(drop: float, max_drop: float) -> bool:
    """Two accuracies of the same samples differ by whole samples: the rounding of a quotient decides nothing."""
    return drop <= max_drop + 1e-9


def judge(rows: Sequence[Mapping[str, Any]], max_drop: float) -> Gate:
    """Takes the measured rows, `fp32` and at least one INT8 among them."""
    by_name = {row["precision"]: row for row in rows}
    measured = [by_name[name] for name in INT8 if name in by_name]
    drops = {row["precision"]: round(100 * (by_name[WHOLE]["accuracy"] - row["accuracy"]), 6) for row in measured}
    passing = [row for row in measured if within(drops[row["precision"]], max_drop)]
    return Gate(max_drop=max_drop, drops=drops, winner=chosen(passing or measured, drops), passes=bool(passing))


def chosen(rows: Sequence[Mapping[str, Any]], drops: Mapping[str, float]) -> str:
    """The most accurate of those that are about as fast as the fastest, and of equal ones the smallest."""
    fastest = min(row["latency_ms_p50"] for row in rows)
    quick = [row for row in rows if row["latency_ms_p50"] <= AS_FAST * fastest]
    winner: str = min(quick, key=lambda row: (drops[row["precision"]], row["size_bytes"]))["precision"]
    return winner
