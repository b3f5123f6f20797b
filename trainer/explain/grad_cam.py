"""Where a model looked: Grad-CAM (Selvaraju et al., 2017) on the last feature map of its image encoder. C channels, H rows, W columns."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.explain.odds import log_odds
from trainer.models.network import Network

METHOD = "Grad-CAM"


def grad_cam(maps_CHW: Tensor, gradient_CHW: Tensor) -> Tensor:
    """Returns float (H, W), 0 or more: the maps weighed by the mean of their gradient (equation 1), and what speaks for the class alone
    (equation 2)."""
    weights_C11 = gradient_CHW.mean(dim=(1, 2), keepdim=True)
    return (weights_C11 * maps_CHW).sum(0).relu()


def scaled(map_HW: Tensor) -> Tensor:
    """Returns the map with a largest value of 1; one that is 0 everywhere stays so."""
    largest = map_HW.max()
    return map_HW / largest if largest > 0 else map_HW


def where_it_looked(network: Network, picture_13SS: Tensor, tokens_1T: Tensor | None, mask_1T: Tensor | None, target: int) -> Tensor:
    """Returns float (H, W) of 0..1 for the class: a cell for each place of the encoder's last feature map."""
    kept: list[Tensor] = []

    def keep(module: object, given: object, found: object) -> None:
        maps: Tensor = found.last_hidden_state  # type: ignore[attr-defined]
        maps.retain_grad()
        kept.append(maps)

    hook = network.image.encoder.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            # The gradient begins at the picture: a network whose weights are all frozen has one too.
            logits = network(picture_13SS.clone().requires_grad_(), tokens_1T, mask_1T)
            log_odds(logits)[0, target].backward()
    finally:
        hook.remove()
        network.zero_grad(set_to_none=True)
    maps = kept[0]
    assert maps.grad is not None
    return scaled(grad_cam(maps[0].detach(), maps.grad[0]))
