"""Freezes what a stage does not train; for every network alike, by the names of its parameters."""

from __future__ import annotations

from torch import nn

from trainer.models.groups import trainable_names


def set_trainable(network: nn.Module, chosen: tuple[str, ...]) -> None:
    """Freezes all but the chosen groups and patterns. Raises ValueError for a pattern that selects nothing."""
    selected = trainable_names([name for name, _ in network.named_parameters()], chosen)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in selected)
