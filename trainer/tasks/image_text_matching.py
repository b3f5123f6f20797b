"""Image-text matching on the two projected features: a pair's cosine is pulled to 1, that of mismatched pairs under a margin."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from trainer.config import ImageTextMatching, Task
from trainer.models.network import Network
from trainer.tasks.objective import Batch, Result


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    """The cosine embedding loss over all pairs of the batch; label smoothing has nothing to act on here."""
    assert isinstance(task, ImageTextMatching)
    assert batch.pictures is not None
    assert batch.tokens is not None
    assert batch.mask is not None
    assert batch.same is not None
    image_BW, text_BW = network.projected(batch.pictures, batch.tokens, batch.mask)
    cosine_BB = cosine(image_BW, text_BW)
    wrong_BB = batch.same.unsqueeze(0) != batch.same.unsqueeze(1)
    return Result(pair_loss(cosine_BB, wrong_BB, task.margin), *ranking(cosine_BB.detach(), wrong_BB))


def cosine(image_BW: Tensor, text_BW: Tensor) -> Tensor:
    """Returns the cosine of every picture (rows) to every sentence, in FP32: half precision knows too few numbers near 1."""
    with torch.autocast(image_BW.device.type, enabled=False):
        return functional.normalize(image_BW.float(), dim=1) @ functional.normalize(text_BW.float(), dim=1).T


def pair_loss(cosine_BB: Tensor, wrong_BB: Tensor, margin: float) -> Tensor:
    """mean(1 - cos) over the matched pairs plus mean(max(0, cos - margin)) over the mismatched ones.

    A text whose picture another sample of the batch carries too is no mismatch to it (`wrong` is False there).
    """
    matched = (1 - cosine_BB.diagonal()).mean()
    mismatched_BB = functional.relu(cosine_BB - margin) * wrong_BB
    return matched + mismatched_BB.sum() / wrong_BB.sum().clamp(min=1)


def ranking(cosine_BB: Tensor, wrong_BB: Tensor) -> tuple[Tensor, Tensor]:
    """Returns in how many (sentence, wrong picture) comparisons the right picture is nearer, and the number of comparisons."""
    nearer = cosine_BB.diagonal().unsqueeze(0) > cosine_BB
    return torch.logical_and(nearer, wrong_BB).sum(), wrong_BB.sum()
