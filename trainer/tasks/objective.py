"""What an objective is, and what it gives back for a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from trainer.config import Task
from trainer.models.network import Network


@dataclass(frozen=True)
class Batch:
    """Tensors on the device; a column that the objective does not need is None. See `trainer.data.samples.Columns` for shapes.

    `host_mask` is the mask once more, where nobody has to wait for it.
    """

    pictures: Tensor | None
    tokens: Tensor | None
    mask: Tensor | None
    labels: Tensor | None
    same: Tensor | None
    rng: np.random.Generator
    host_mask: np.ndarray | None


class Result(NamedTuple):
    """Mean loss, number of right answers and of answers (scalars); predictions (N) where the task classifies samples."""

    loss: Tensor
    num_right: Tensor
    num_answers: Tensor | int
    predictions: Tensor | None = None


Loss = Callable[[Network, Batch, Task, float], Result]
Logits = Callable[[Network, Batch], Tensor]


@dataclass(frozen=True)
class Objective:
    """`needs` names the columns. `loss(network, batch, task, label_smoothing)` computes the objective.

    Where samples are classified, `logits(network, batch)` returns (N, K), and the head's size follows the data set's classes.
    """

    needs: tuple[str, ...]
    loss: Loss
    logits: Logits | None = None

    @property
    def has_classes(self) -> bool:
        return self.logits is not None


def classified(logits: Tensor, labels: Tensor, loss: Tensor) -> Result:
    """The result of a classification of samples: logits (N, K), labels (N)."""
    predictions = logits.argmax(1)
    return Result(loss, (predictions == labels).sum(), len(labels), predictions)
