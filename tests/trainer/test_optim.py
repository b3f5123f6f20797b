"""What the optimizer decays and remembers."""

from __future__ import annotations

import torch
from torch import nn

from tests.trainer import small
from trainer.config import Stage
from trainer.models.freezing import set_trainable
from trainer.models.network import Network
from trainer.optim import load_state_tensors, optimizer, set_rate, state_tensors

STAGE = Stage.model_validate(small.stage(regularisation={"weight_decay": 0.5}))


def trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def decay_by_name(network: Network) -> dict[str, float]:
    names = {parameter: name for name, parameter in network.named_parameters()}
    return {names[each]: group["weight_decay"] for group in optimizer(trained(network), STAGE).param_groups for each in group["params"]}


def test_norms_and_biases_are_not_decayed() -> None:
    decays = decay_by_name(small.network("sentiment", "masked_lm"))
    for name, decay in decays.items():
        is_vector = name.endswith("bias") or "norm" in name.lower()
        assert decay == (0.0 if is_vector else 0.5), name


def test_only_what_trains_is_optimized() -> None:
    network = small.network("sentiment")
    set_trainable(network, ("top",))
    assert set(decay_by_name(network)) == {name for name, parameter in network.named_parameters() if parameter.requires_grad}


def test_decay_pulls_weights_and_leaves_biases() -> None:
    network = small.network("sentiment")
    head = network.heads["sentiment"]
    made = optimizer(trained(network), STAGE)
    set_rate(made, 0.1)
    weight, bias = head.weight.detach().clone(), head.bias.detach().clone()
    head.weight.grad, head.bias.grad = torch.zeros_like(weight), torch.zeros_like(bias)
    made.step()
    assert torch.allclose(head.weight, weight * (1 - 0.1 * 0.5))
    assert torch.equal(head.bias, bias)


def one_step(network: Network, made: torch.optim.Optimizer, seed: int) -> None:
    batch = small.batch(seed=seed)
    made.zero_grad()
    network(batch.pictures, batch.tokens, batch.mask).square().sum().backward()
    made.step()


def test_a_loaded_state_goes_on_bit_for_bit() -> None:
    one, other = small.network("sentiment"), small.network("sentiment")
    first = optimizer(trained(one), STAGE)
    one_step(one, first, 1)
    other.load_state_dict(one.state_dict())
    second = optimizer(trained(other), STAGE)
    load_state_tensors(second, {name: tensor.clone() for name, tensor in state_tensors(first).items()})
    one_step(one, first, 2)
    one_step(other, second, 2)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
