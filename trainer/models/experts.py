"""What the routers of a mixture of experts decide: recorded at every forward, kept balanced, held to a capacity, told as metrics.

N tokens of a part, E experts, K experts per token, L layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3TopkRouter
from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter

from trainer.config import MixtureOfExpertsModel

ROUTERS = (MixtralTopKRouter, DeepseekV3TopkRouter)
LOAD_MAX, LOAD_MIN = "experts/load_max", "experts/load_min"
DROPPED, BALANCE_LOSS = "experts/dropped", "experts/balance_loss"


@dataclass(frozen=True)
class Routed:
    """What one router decided of a part: logits (N, E) with their graph, and the experts it chose (N, K), before any was dropped."""

    logits: Tensor
    chosen: Tensor


class Routing:
    """Listens to every router of a network. A step is `begin_step`, for each part `expect`, a forward and `losses`, then `end_step`.

    Only forwards in training mode count, and only they are held to the capacity: an answer should not depend on its neighbours.
    """

    def __init__(self, network: nn.Module, config: MixtureOfExpertsModel) -> None:
        self.config = config
        blocks: list[Any] = [module for module in network.modules() if isinstance(getattr(module, "gate", None), ROUTERS)]
        assert blocks, "a network without routers"
        self.routers: list[Any] = [block.gate for block in blocks]
        self.num_experts, self.top_k = int(self.routers[0].num_experts), int(self.routers[0].top_k)
        self.real_N: Tensor | None = None
        self.recorded: list[Routed] = []
        self.asked_LE, self.worked_LE, self.reported_LE = (self.zeros() for _ in range(3))
        self.balance = torch.zeros((), device=self.device)
        self.num_parts = 0
        for layer, block in enumerate(blocks):
            block.gate.register_forward_hook(self.hook(layer))
            # Makes the experts skip assignments to expert number E, as they do for experts that live on another device.
            block.experts._is_expert_parallel = config.capacity_factor is not None

    @property
    def device(self) -> torch.device:
        found: torch.device = self.routers[0].weight.device
        return found

    def zeros(self) -> Tensor:
        return torch.zeros(len(self.routers), self.num_experts, dtype=torch.int64, device=self.device)

    def begin_step(self) -> None:
        """Forgets the step before."""
        self.asked_LE, self.worked_LE = self.zeros(), self.zeros()
        self.balance, self.num_parts = torch.zeros((), device=self.device), 0
        self.expect(None)

    def expect(self, real_BT: Tensor | None) -> None:
        """Says which tokens of the coming part are no padding; None: all of them. What was recorded of the part before is let go."""
        self.real_N = None if real_BT is None else real_BT.flatten()
        self.recorded = []

    def hook(self, layer: int) -> Any:
        def listen(router: nn.Module, _: Any, output: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
            return self.hear(layer, *output) if router.training else output

        return listen

    def hear(self, layer: int, logits_NE: Tensor, weights_NK: Tensor, chosen_NK: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if layer == 0:
            self.recorded = []
        self.recorded.append(Routed(logits_NE, chosen_NK))
        kept_NK = chosen_NK
        if self.config.capacity_factor is not None:
            kept_NK = within_capacity(chosen_NK, self.num_experts, self.config.capacity_factor, self.real_N)
            weights_NK = weights_NK.masked_fill(kept_NK == self.num_experts, 0)
        with torch.no_grad():
            self.asked_LE[layer] += loads_of(chosen_NK, self.num_experts, self.real_N)
            self.worked_LE[layer] += loads_of(kept_NK, self.num_experts, self.real_N)
        return logits_NE, weights_NK, kept_NK

    def losses(self) -> dict[str, Tensor]:
        """Returns the balance loss of the part that was just run, weighted; empty where a bias does the balancing."""
        with torch.set_grad_enabled(self.config.balance == "loss"):
            loss = balance_loss(self.recorded, self.num_experts, self.real_N)
        self.recorded = []
        self.balance, self.num_parts = self.balance + loss.detach(), self.num_parts + 1
        return {BALANCE_LOSS: self.config.balance_rate * loss} if self.config.balance == "loss" else {}

    def end_step(self) -> dict[str, Tensor]:
        """Moves the biases, where they balance, and returns the metrics of the step."""
        if self.config.balance == "bias":
            self.update()
        self.reported_LE += self.worked_LE
        return self.metrics()

    def metrics(self) -> dict[str, Tensor]:
        """Returns float scalars on the device, and waits for none of them: busiest and idlest expert relative to an equal share, as a
        mean over the layers; the share of assignments that was dropped; the balance loss, 1 when balanced, without its weight."""
        asked_L = self.asked_LE.sum(1)
        relative_LE = self.worked_LE * self.num_experts / asked_L[:, None]
        return {
            LOAD_MAX: relative_LE.amax(1).mean(),
            LOAD_MIN: relative_LE.amin(1).mean(),
            DROPPED: 1 - self.worked_LE.sum() / asked_L.sum(),
            BALANCE_LOSS: self.balance / self.num_parts,
        }

    @torch.no_grad()
    def update(self) -> None:
        """Raises the bias of experts that were asked less than the mean of the step and lowers the others' (arXiv 2408.15664, alg. 1)."""
        for router, asked_E in zip(self.routers, self.asked_LE, strict=True):
            # The mean times E, so that whole numbers are compared.
            router.e_score_correction_bias += self.config.balance_rate * (asked_E.sum() - self.num_experts * asked_E).sign()

    def loads(self) -> list[list[float]]:
        """Returns per layer the share of all assignments that each expert worked on since this was last asked. Waits for the device."""
        totals_L = self.reported_LE.sum(1, keepdim=True).clamp(min=1)
        found: list[list[float]] = (self.reported_LE / totals_L).tolist()
        self.reported_LE = self.zeros()
        return found


def loads_of(chosen_NK: Tensor, num_experts: int, real_N: Tensor | None = None) -> Tensor:
    """Returns int64 (E): how often each expert was chosen for a real token. Number E is nobody."""
    ones_NK = torch.ones_like(chosen_NK) if real_N is None else real_N[:, None].to(chosen_NK.dtype).expand_as(chosen_NK)
    counts = torch.zeros(num_experts + 1, dtype=chosen_NK.dtype, device=chosen_NK.device)
    return counts.scatter_add_(0, chosen_NK.flatten(), ones_NK.flatten())[:num_experts]


def balance_loss(recorded: list[Routed], num_experts: int, real_N: Tensor | None = None) -> Tensor:
    """Returns E x sum_e f_e P_e as a mean over the layers (Switch Transformer, arXiv 2101.03961, eq. 4-6); 1 when balanced.

    f_e is the share of assignments that expert e got, P_e the mean of the router's softmax for it. `transformers` does not divide
    f by K, and lumps the layers together, so that one layer's imbalance hides another's.
    """
    assert recorded, "no forward in training mode was heard"
    weights_N = torch.ones_like(recorded[0].logits[:, 0]) if real_N is None else real_N.to(recorded[0].logits.dtype)
    return torch.stack([balance_of(routed, num_experts, weights_N) for routed in recorded]).mean()


def balance_of(routed: Routed, num_experts: int, weights_N: Tensor) -> Tensor:
    counts_E = loads_of(routed.chosen, num_experts, weights_N)
    shares_E = counts_E / counts_E.sum()
    probabilities_E = (routed.logits.float().softmax(-1) * weights_N[:, None].float()).sum(0) / weights_N.float().sum()
    return num_experts * (shares_E * probabilities_E).sum()


def within_capacity(chosen_NK: Tensor, num_experts: int, factor: float, real_N: Tensor | None = None) -> Tensor:
    """Returns the choices (N, K) with E, which is nobody, where an expert has its ceil(factor x N K / E) already, in token order.

    Padding goes to nobody and takes no room, but the room is that of all N places: counting the others would wait for the device.
    """
    capacity = math.ceil(factor * chosen_NK.numel() / num_experts)
    nobody = torch.full_like(chosen_NK, num_experts)
    wanted_NK = chosen_NK if real_N is None else torch.where(real_N[:, None].bool(), chosen_NK, nobody)
    taken = nn.functional.one_hot(wanted_NK.flatten(), num_experts + 1)
    places = (taken.cumsum(0) * taken).sum(1).view_as(chosen_NK)
    return torch.where(places <= capacity, wanted_NK, nobody)
