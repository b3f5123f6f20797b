"""How picture and sentence become one. B batch, P positions of the picture's feature map, T tokens, W fusion width."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

MOST_HEADS = 4


class Fusion(nn.Module):
    """Made for the common width of the two projections; `width` is that of what comes out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


class Sum(Fusion):
    """Adds the two features."""

    def forward(self, image_BW: Tensor, text_BW: Tensor) -> Tensor:
        return image_BW + text_BW


class Concatenation(Fusion):
    """Puts the two features side by side, (B, 2W)."""

    def __init__(self, width: int) -> None:
        super().__init__(2 * width)

    def forward(self, image_BW: Tensor, text_BW: Tensor) -> Tensor:
        return torch.cat([image_BW, text_BW], dim=1)


class Gated(Fusion):
    """Weighs the two features element by element: z * image + (1 - z) * text, where z = sigmoid(W [image; text]).

    That is the gated multimodal unit (Arevalo et al. 2017, arXiv 1702.01992) on features that have been projected already.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.gate = nn.Linear(2 * width, width)

    def forward(self, image_BW: Tensor, text_BW: Tensor) -> Tensor:
        gate_BW = torch.sigmoid(self.gate(torch.cat([image_BW, text_BW], dim=1)))
        return gate_BW * image_BW + (1 - gate_BW) * text_BW


class CrossAttention(Fusion):
    """Each token looks at the positions of the picture and adds what it finds; the mean over the real tokens is the feature.

    The attention is that of "Attention is all you need" (arXiv 1706.03762), with queries from one modality, keys and values of the other.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.attention = nn.MultiheadAttention(width, math.gcd(width, MOST_HEADS), batch_first=True)

    def forward(self, image_BPW: Tensor, text_BTW: Tensor, mask_BT: Tensor) -> Tensor:
        """Takes features by position and by token; returns (B, W)."""
        found_BTW, _ = self.attention(text_BTW, image_BPW, image_BPW, need_weights=False)
        return mean_of_tokens(text_BTW + found_BTW, mask_BT)


def mean_of_tokens(states_BTX: Tensor, mask_BT: Tensor) -> Tensor:
    """Returns the mean over the real tokens, (B, X)."""
    weights_BT1 = mask_BT.unsqueeze(-1).to(states_BTX.dtype)
    return (states_BTX * weights_BT1).sum(1) / weights_BT1.sum(1)


FUSIONS: dict[str, type[Fusion]] = {
    "sum": Sum,
    "concatenation": Concatenation,
    "gated": Gated,
    "cross_attention": CrossAttention,
}
