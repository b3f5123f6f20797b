"""Heads of the image + text network that are more than one linear layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_LOGIT_SCALE = math.log(100)


class MaskedTokenHead(nn.Module):
    """Guesses hidden tokens; the decoder is the word embedding itself (BERT, arXiv 1810.04805)."""

    def __init__(self, width: int, vocabulary_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, hidden_NH: Tensor, embeddings_VH: Tensor) -> Tensor:
        """Returns logits (N, vocabulary) for N hidden positions."""
        return functional.linear(self.norm(functional.gelu(self.dense(hidden_NH))), embeddings_VH, self.bias)


class ContrastHead(nn.Module):
    """The learned temperature of a contrast of cosines, kept as log(1 / temperature) and never above log 100 (CLIP, arXiv 2103.00020)."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(temperature)))

    def forward(self, cosine_BB: Tensor) -> Tensor:
        """Returns cosines over the temperature. The parameter itself is bounded: bounding its value alone would end its gradient."""
        with torch.no_grad():
            self.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
        return cosine_BB * self.logit_scale.exp()
