"""Image-text contrast: in a batch each sentence finds its picture and each picture its sentence (CLIP, arXiv 2103.00020, section 2.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from trainer.config import Task
from trainer.models.network import Network
from trainer.tasks.image_text_matching import cosine, ranking
from trainer.tasks.objective import Batch, Result


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    """Label smoothing is left out: it would call a share of every wrong pair right, and the temperature softens already."""
    assert batch.pictures is not None
    assert batch.tokens is not None
    assert batch.mask is not None
    assert batch.same is not None
    cosine_BB = cosine(*network.projected(batch.pictures, batch.tokens, batch.mask))
    wrong_BB = batch.same.unsqueeze(0) != batch.same.unsqueeze(1)
    return Result(contrast(network.heads["image_text_contrast"](cosine_BB), wrong_BB), *ranking(cosine_BB.detach(), wrong_BB))


def contrast(logits_BB: Tensor, wrong_BB: Tensor) -> Tensor:
    """The mean of both cross-entropies, pictures (rows) to sentences and back; the answer to each row is its own pair.

    A pair is no answer to another with the same picture, right or wrong: it is left out there (`wrong` is False).
    """
    own = torch.arange(len(logits_BB), device=logits_BB.device)
    same_BB = ~wrong_BB & (own.unsqueeze(0) != own.unsqueeze(1))
    answers_BB = logits_BB.masked_fill(same_BB, -torch.inf)
    return (functional.cross_entropy(answers_BB, own) + functional.cross_entropy(answers_BB.T, own)) / 2
