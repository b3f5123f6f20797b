"""The loss of every single sample under the weights that a stage starts from: what its curriculum may call hard."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainer.config import AnyTask, Stage
from trainer.data.samples import Index, Samples
from trainer.device import autocast, to_batch
from trainer.models.network import Network
from trainer.tasks import OBJECTIVES


@torch.no_grad()
def sample_losses(network: Network, stage: Stage, task: AnyTask, samples: Samples) -> list[np.ndarray]:
    """Returns per source the loss of each row, float (N), as the picture lies there and without label smoothing.

    Raises ValueError for a task whose loss only compares samples with each other. Of matching, the part remains in which a
    sample is held against itself.
    """
    if task.kind == "image_text_contrast":
        raise ValueError("curriculum.loss: image_text_contrast compares samples with each other, a single one has no loss")
    network.eval()
    return [
        torch.stack([sample_loss(network, stage, task, samples, (source, row)) for row in range(len(rows))]).cpu().numpy()
        for source, rows in enumerate(samples.rows)
    ]


def sample_loss(network: Network, stage: Stage, task: AnyTask, samples: Samples, index: Index) -> Tensor:
    """Returns a scalar on the device. The masks are seeded by the stage and the row, so that a resumed stage finds the same."""
    objective, device = OBJECTIVES[task.kind], next(network.parameters()).device
    batch = to_batch(samples.columns([index], objective.needs), device, np.random.default_rng([stage.seed, *index]))
    with autocast(device, stage.precision):
        return objective.loss(network, batch, task, 0.0).loss.double()
