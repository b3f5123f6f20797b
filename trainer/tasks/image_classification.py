"""Which class a picture belongs to: cross-entropy over the pooled features."""

from __future__ import annotations

from torch.nn import functional

from trainer.config import Task
from trainer.models.network import Network
from trainer.tasks.objective import Batch, Result, classified


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    assert batch.pictures is not None
    assert batch.labels is not None
    logits = network.heads["image_classification"](network.dropout(network.image_features(batch.pictures)))
    return classified(logits, batch.labels, functional.cross_entropy(logits, batch.labels, label_smoothing=label_smoothing))
