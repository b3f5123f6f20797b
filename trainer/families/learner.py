"""What the loop knows of a model family: it draws data, gives losses, and keeps the state of both. The loop knows no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """A piece of a step's batch that fits in memory at once.

    `shares` says, per task, which share of the step's answers it holds; `datasets` from which data sets it was drawn.
    """

    batch: Any
    shares: dict[str, float]
    datasets: frozenset[str]


@dataclass(frozen=True)
class Losses:
    """Scalars of a part: the mean loss of each task that occurs in it, and terms that come on top, weighted already."""

    tasks: dict[str, Tensor]
    extra: dict[str, Tensor] = field(default_factory=dict)


class Learner(Protocol):
    """A network with its data, for one stage."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def samples_per_step(self) -> int:
        """What throughput counts: samples, or rows of tokens."""

    @property
    def num_tokens(self) -> int | None:
        """Tokens read since the stage began, padding left out; None where the data are no tokens."""

    def set_training(self) -> None:
        """Training mode, except where a frozen part keeps its statistics."""

    def draw(self, step: int) -> list[Part]:
        """Draws the batch of a step (from 1) in `accumulation` parts, on the device; the order of the data moves on."""

    def losses(self, part: Part) -> Losses:
        """Runs the network forward; called under autocast. No answer of it waits for the device."""

    def after_step(self) -> dict[str, Tensor]:
        """Called behind the optimizer's step; returns the family's own metrics of that step, as scalars on the device."""

    def loads(self) -> list[list[float]]:
        """Returns per layer the share of the tokens that each expert worked on since it was last asked; empty without experts."""

    def ask_probes(self, probes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """Returns the probabilities by class of each probe, by its id; empty where the stage has no answer to give. Draws nothing."""

    def evaluate(self, split: str, *, by_class: bool = False) -> dict[str, float]:
        """Returns `<split>/loss`, `<split>/accuracy` and more over the stage's tasks; `by_class` adds figures of each class, where
        there are any. The network is in evaluation mode behind it."""

    def watch(self) -> tuple[dict[str, float], dict[str, float]]:
        """Returns the validation loss by data set of the whole run, as far as the network can be asked about it, and a unigram model's."""

    def remarks(self) -> list[str]:
        """Returns sentences about the data that people should read when the stage starts."""

    def ledger(self) -> list[dict[str, Any]]:
        """Returns per source `task, dataset, asked` (share), `seen` (share), `num_samples`, `num_tokens` (null for pictures), `epochs`."""

    def state(self) -> dict[str, Any]:
        """Returns the order of the data as JSON: with it a resumed stage draws on exactly."""

    def load_state(self, state: dict[str, Any]) -> None: ...

    def classes(self) -> dict[str, list[str]]:
        """Returns the classes of each head, in the order of its logits."""

    def documents(self) -> dict[str, Any]:
        """Returns what a checkpoint needs beside the weights to be rebuilt: JSON documents by file name without its ending."""
