"""Steps whose loss or gradient is no number: how they are counted, and what the rule of the stage makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer import checkpoint
from trainer.events import GRAD_NORM, LOSS, EventLog
from trainer.failures import NotANumberError
from trainer.trail import first_whole, regular, trail

if TYPE_CHECKING:
    from trainer.loop import Training

# In a row: then the rule does not help.
MAX_BAD_STEPS = 10
# In a row: loss scaling halves the scale at each step that it leaves out, from 65,536 down to 1. Where that is still too much, the
# gradient is truly no number.
MAX_OVERFLOWS = 20


@dataclass(frozen=True)
class BadStep:
    """`what` says which figure is no number, `sources` which data sets the step was drawn from."""

    step: int
    what: str
    sources: list[str]


class Health:
    """What is known of the steps since the last good one. It is part of a checkpoint.

    Under the rule `go_back`, `lost` is the step that the stage has to go back for. It does so where an undisturbed run
    reports: a stop may bring the figures to the host earlier, and must not change what becomes of them.
    """

    def __init__(self) -> None:
        self.num_bad = self.num_overflows = 0
        self.lost: BadStep | None = None

    def hear(self, step: int, metrics: Mapping[str, float], *, is_scaled: bool) -> str:
        """Takes in the figures of a step; returns what is no number and concerns the rule, or ""."""
        bad = [name for name in (LOSS, GRAD_NORM) if not math.isfinite(metrics[name])]
        if not bad:
            self.num_bad = self.num_overflows = 0
            return ""
        said = f"{bad[0]} is {metrics[bad[0]]} at step {step}"
        if is_scaled and bad == [GRAD_NORM]:
            self.num_overflows += 1
            if self.num_overflows <= MAX_OVERFLOWS:
                return ""
            said += f", as in the {self.num_overflows - 1} steps before it, though the loss was scaled down at each"
        self.num_bad += 1
        return said

    def went_back(self) -> None:
        """The scale is that of the checkpoint again: loss scaling gets a new chance."""
        self.lost, self.num_overflows = None, 0

    def state(self) -> dict[str, Any]:
        lost = asdict(self.lost) if self.lost else None
        return {"num_bad": self.num_bad, "num_overflows": self.num_overflows, "lost": lost}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.num_bad, self.num_overflows = state["num_bad"], state["num_overflows"]
        self.lost = BadStep(**lost) if (lost := state["lost"]) else None


def judge(training: Training, events: EventLog, folder: Path, step: int, sources: list[str], metrics: Mapping[str, float]) -> None:
    """Takes in the steps in their order. Raises NotANumberError where the stage ends.

    A gradient that is too large for fp16 is left to loss scaling, as long as that may help. What came behind a lost step was made
    with weights that are lost too: it does not count.
    """
    if training.health.lost:
        return
    what = training.health.hear(step, metrics, is_scaled=training.scaler.is_enabled())
    if not what:
        training.recent.append(metrics[LOSS])
        return
    bad = BadStep(step, what, sources)
    if training.stage.not_a_number == "go_back":
        training.health.lost = bad
    else:
        see_to(training, events, bad, next(trail(training.job, folder), None))


def go_back(training: Training, events: EventLog, folder: Path) -> None:
    """Where a step is lost, takes the weights of the newest whole checkpoint before it. Raises NotANumberError where there is none.

    Those that were written for a stop do not count: an undisturbed run would not have them.
    """
    if not (bad := training.health.lost):
        return
    good = first_whole(regular(training.job, folder, bad.step), training.job.index, events)
    see_to(training, events, bad, good)
    assert good
    training.load_tensors(good)
    training.health.went_back()


def see_to(training: Training, events: EventLog, bad: BadStep, good: Path | None) -> None:
    """Says what is done about a bad step. Raises NotANumberError to stop, or when the rule does not help."""
    rule = training.stage.not_a_number
    described = f"{bad.what}, on data of {', '.join(bad.sources)}; {last_good(good)}"
    if rule == "stop" or training.health.num_bad > MAX_BAD_STEPS or (rule == "go_back" and good is None):
        raise NotANumberError(described)
    kind, last = {"skip": "skipped", "go_back": "went_back"}[rule], checkpoint.step_of(good) if good else None
    events.emit(kind, stage=training.job.index, step=bad.step, message=described, sources=bad.sources, last_good=last)


def last_good(folder: Path | None) -> str:
    return f"the last checkpoint is of step {checkpoint.step_of(folder)}" if folder else "there is no checkpoint yet"
