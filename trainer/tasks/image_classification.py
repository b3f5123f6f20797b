"""Which class a picture belongs to: cross-entropy over the pooled features."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from trainer.config import Task
from trainer.models.network import Network
from trainer.tasks.objective import Batch, Result, classified


def logits(network: Network, batch: Batch) -> Tensor:
    assert batch.pictures is not None
    found: Tensor = network.heads["image_classification"](network.dropout(network.image_features(batch.pictures)))
    return found


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    assert batch.labels is not None
    found = logits(network, batch)
    return classified(found, batch.labels, functional.cross_entropy(found, batch.labels, label_smoothing=label_smoothing))
