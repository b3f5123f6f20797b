"""The optimizer of a stage, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainer.config import Stage


def optimizer(trained: Sequence[nn.Parameter], stage: Stage) -> torch.optim.AdamW:
    """AdamW (arXiv 1711.05101) over what trains; norms, biases and other vectors are not decayed."""
    groups = [
        {"params": [each for each in trained if each.ndim > 1], "weight_decay": stage.regularisation.weight_decay},
        {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=stage.schedule.peak_rate, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def rate_of(optimizer: torch.optim.Optimizer) -> float:
    """Returns the rate that all groups share: what the last step was made with."""
    (rate,) = {float(group["lr"]) for group in optimizer.param_groups}
    return rate


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Returns the state as `<position of the parameter>.<name>` -> tensor."""
    state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
    return {f"{position}.{name}": value for position, values in state.items() for name, value in values.items()}


def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        position, _, name = key.partition(".")
        state.setdefault(int(position), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
