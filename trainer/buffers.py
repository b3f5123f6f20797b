"""The buffers of a network, such as the statistics of a batch norm or the biases of a router, over a step that may be left out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Buffers:
    """A step that may be left out is `keep`, the step, `restore`. Nothing here waits for the device."""

    def __init__(self, buffers: Sequence[Tensor]) -> None:
        self.own = list(buffers)
        self.before = [torch.empty_like(buffer) for buffer in self.own]

    def keep(self) -> None:
        if self.own:
            torch._foreach_copy_(self.before, self.own)

    def restore(self, is_good: Tensor) -> None:
        """Takes back what the step did to them unless `is_good`, a bool scalar on the device."""
        for own, before in zip(self.own, self.before, strict=True):
            own.copy_(torch.where(is_good, own, before))


def buffers_of(network: nn.Module) -> list[Tensor]:
    """Returns those that a checkpoint holds; the others are tables that no step changes."""
    held = network.state_dict()
    return [buffer for name, buffer in network.named_buffers() if name in held]
