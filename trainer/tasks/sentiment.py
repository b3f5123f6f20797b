"""The sentiment of a picture and its sentence: cross-entropy over the fused features."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from trainer.config import Task
from trainer.models.network import Network
from trainer.tasks.objective import Batch, Result, classified


def logits(network: Network, batch: Batch) -> Tensor:
    assert batch.pictures is not None
    assert batch.tokens is not None
    assert batch.mask is not None
    found: Tensor = network(batch.pictures, batch.tokens, batch.mask)
    return found


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    assert batch.labels is not None
    found = logits(network, batch)
    return classified(found, batch.labels, functional.cross_entropy(found, batch.labels, label_smoothing=label_smoothing))
