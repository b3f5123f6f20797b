"""Mixture of experts: the balance loss, the bias, the capacity, and what is told of the loads."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

from tests.trainer.small_language import config, network, positions, tokens
from trainer.config import MixtureOfExpertsModel
from trainer.models import language
from trainer.models.experts import Routed, Routing, balance_loss, loads_of, within_capacity

MIXTURES = ("mixtral", "deepseek_v3")
Kind = pytest.mark.parametrize("kind", MIXTURES)
LENGTH = 16


def mixture(kind: str, **changed: Any) -> MixtureOfExpertsModel:
    found = config(kind, **changed)
    assert isinstance(found, MixtureOfExpertsModel)
    return found


def routed(kind: str, **changed: Any) -> tuple[Any, Routing]:
    """A network in training mode without dropout, and its routing at the beginning of a step."""
    built: Any = network(kind, **changed)
    language.set_dropout(built, 0.0)
    routing = Routing(built.train(), mixture(kind, **changed))
    routing.begin_step()
    return built, routing


def run(built: Any, rows: Tensor) -> Tensor:
    return language.hidden(built, rows, positions(*((LENGTH,) for _ in rows)))


def by_hand(recorded: list[Routed], num_experts: int, real: list[bool]) -> float:
    """Switch Transformer, eq. 4-6, in loops."""
    layers = []
    for each in recorded:
        logits, chosen = each.logits.detach().double().numpy(), each.chosen.numpy()
        shares, means = np.zeros(num_experts), np.zeros(num_experts)
        for token in np.flatnonzero(real):
            weights = np.exp(logits[token] - logits[token].max())
            means += weights / weights.sum() / sum(real)
            for expert in chosen[token]:
                shares[expert] += 1 / (sum(real) * chosen.shape[1])
        layers.append(num_experts * float((shares * means).sum()))
    return sum(layers) / len(layers)


# --- the balance loss ----------------------------------------------------------------------------------------------------


@Kind
def test_the_balance_loss_is_the_formula_in_loops(kind: str) -> None:
    built, routing = routed(kind)
    run(built, tokens(2, LENGTH))
    assert len(routing.recorded) == 2
    assert float(balance_loss(routing.recorded, 4).detach()) == pytest.approx(by_hand(routing.recorded, 4, [True] * 32), rel=1e-5)


def test_padding_counts_neither_in_the_loss_nor_in_the_loads() -> None:
    built, routing = routed("mixtral")
    real = torch.arange(LENGTH).expand(2, LENGTH) < torch.tensor([[9], [LENGTH]])
    routing.expect(real)
    run(built, tokens(2, LENGTH))
    expected = by_hand(routing.recorded, 4, real.flatten().tolist())
    assert float(routing.losses()["experts/balance_loss"].detach()) == pytest.approx(0.01 * expected, rel=1e-5)
    assert routing.asked_LE.sum(1).tolist() == [25 * 2, 25 * 2]


def test_of_one_layer_it_is_that_of_transformers_over_the_experts_per_token() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(50, 6, generator=generator)
    real = torch.rand(50, generator=generator) < 0.7
    recorded = [Routed(logits, logits.topk(2).indices)]
    for mask in (None, real):
        theirs = load_balancing_loss_func((logits,), 6, 2, mask)
        torch.testing.assert_close(2 * balance_loss(recorded, 6, mask), theirs)


def test_it_is_1_when_balanced_and_as_large_as_the_experts_when_one_does_all() -> None:
    even = Routed(torch.zeros(8, 4), torch.arange(8)[:, None] % 4)
    one = Routed(torch.tensor([[50.0, 0, 0, 0]]).expand(8, 4), torch.zeros(8, 1, dtype=torch.int64))
    assert float(balance_loss([even], 4)) == pytest.approx(1)
    assert float(balance_loss([one], 4)) == pytest.approx(4)


def test_its_gradient_lowers_the_logit_of_the_busiest_expert() -> None:
    logits = torch.zeros(8, 4, requires_grad=True)
    balance_loss([Routed(logits, torch.zeros(8, 1, dtype=torch.int64))], 4).backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, 0] > 0).all()) and bool((logits.grad[:, 1:] < 0).all())


def test_training_on_the_balance_loss_alone_balances_the_loads() -> None:
    built, routing = routed("mixtral", balance_rate=1.0)
    rows, optimizer = tokens(8, LENGTH), torch.optim.Adam([router.weight for router in routing.routers], 0.04)
    told = []
    for _ in range(25):
        routing.begin_step()
        run(built, rows)
        routing.losses()["experts/balance_loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        told.append({name: float(value) for name, value in routing.end_step().items()})
    assert told[-1]["experts/balance_loss"] - 1 < 0.2 * (told[0]["experts/balance_loss"] - 1)
    assert told[-1]["experts/load_max"] < told[0]["experts/load_max"]


# --- the bias ------------------------------------------------------------------------------------------------------------


def test_the_bias_moves_once_a_step_by_the_sign_of_what_each_expert_lacks_over_all_parts() -> None:
    built, routing = routed("deepseek_v3", balance_rate=0.25)
    parts = tokens(4, LENGTH).split(2)
    asked = np.zeros((2, 4))
    for part in parts:
        routing.expect(None)
        run(built, part)
        for layer, each in enumerate(routing.recorded):
            asked[layer] += np.bincount(each.chosen.flatten().numpy(), minlength=4)
        assert routing.losses() == {}
    before = [router.e_score_correction_bias.clone() for router in routing.routers]
    routing.end_step()
    for layer, router in enumerate(routing.routers):
        moved = (router.e_score_correction_bias - before[layer]).numpy()
        np.testing.assert_allclose(moved, 0.25 * np.sign(asked[layer].mean() - asked[layer]))
    assert asked.std() > 0


def test_the_bias_alone_balances_the_loads_and_is_no_parameter() -> None:
    built, routing = routed("deepseek_v3", balance_rate=0.05)
    rows, told = tokens(8, LENGTH), []
    for _ in range(20):
        routing.begin_step()
        run(built, rows)
        routing.losses()
        told.append(float(routing.end_step()["experts/load_max"]))
    assert told[-1] < 1.2 < told[0]
    name = "model.layers.0.mlp.gate.e_score_correction_bias"
    assert name in built.state_dict() and name not in dict(built.named_parameters())


def test_under_a_balance_loss_no_bias_is_looked_for() -> None:
    built, routing = routed("mixtral")
    run(built, tokens(2, LENGTH))
    assert set(routing.losses()) == {"experts/balance_loss"}
    assert set(routing.end_step()) == {"experts/load_max", "experts/load_min", "experts/dropped", "experts/balance_loss"}


# --- the capacity --------------------------------------------------------------------------------------------------------


def test_what_is_beyond_the_capacity_is_dropped_in_token_order() -> None:
    chosen = torch.tensor([[0, 1], [0, 2], [0, 1], [1, 0], [2, 1]])
    kept = within_capacity(chosen, 3, 0.5)  # ceil(0.5 * 10 / 3) = 2
    assert kept.tolist() == [[0, 1], [0, 2], [3, 1], [3, 3], [2, 3]]
    real = torch.tensor([False, True, True, True, True])
    assert within_capacity(chosen, 3, 0.5, real).tolist() == [[3, 3], [0, 2], [0, 1], [1, 3], [2, 3]]


@pytest.mark.parametrize("implementation", ["eager", "grouped_mm"])
@Kind
def test_experts_leave_out_what_is_dropped_forward_and_backward(kind: str, implementation: str) -> None:
    """Compared with each expert applied to its own tokens alone."""
    built, routing = routed(kind, capacity_factor=0.5)
    built.set_experts_implementation(implementation)
    block = built.model.layers[0].mlp
    states = torch.randn(2, LENGTH, 16, generator=torch.Generator().manual_seed(3), requires_grad=True)
    # Rows that no expert fills must not be left as they lie in memory.
    dirt = [torch.full((64, width), math.nan) for width in (16, 24, 48) for _ in range(8)]
    del dirt
    found = block(states)
    expected, num_dropped = by_expert(block, states, capacity=8)
    assert num_dropped == 64 - int(routing.worked_LE[0].sum()) > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    wanted = torch.autograd.grad(expected.square().sum(), [states, *block.parameters()])
    for mine, theirs in zip(torch.autograd.grad(found.square().sum(), [states, *block.parameters()]), wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def by_expert(block: Any, states_BTH: Tensor, capacity: int) -> tuple[Tensor, int]:
    states_NH = states_BTH.flatten(0, 1)
    logits_NE = states_NH @ block.gate.weight.T
    scores_NE = logits_NE.softmax(-1) if not hasattr(block.gate, "e_score_correction_bias") else logits_NE.sigmoid()
    weights_NK, chosen_NK = scores_NE.topk(2)
    weights_NK = weights_NK / weights_NK.sum(-1, keepdim=True)
    rows: list[Tensor] = []
    used, num_dropped = [0] * 4, 0
    for token, state in enumerate(states_NH):
        row = torch.zeros(16)
        for weight, expert in zip(weights_NK[token], chosen_NK[token].tolist(), strict=True):
            used[expert] += 1
            if used[expert] > capacity:
                num_dropped += 1
                continue
            gate, up = (block.experts.gate_up_proj[expert] @ state).chunk(2)
            row = row + weight * (block.experts.down_proj[expert] @ (nn.functional.silu(gate) * up))
        rows.append(row)
    result = torch.stack(rows).view_as(states_BTH)
    return (result + block.shared_experts(states_BTH) if hasattr(block, "shared_experts") else result), num_dropped


@Kind
def test_a_wide_capacity_changes_nothing(kind: str) -> None:
    rows = tokens(2, LENGTH)
    (free, _), (held, routing) = routed(kind), routed(kind, capacity_factor=4.0)
    torch.testing.assert_close(run(held, rows), run(free, rows))
    routing.losses()
    assert float(routing.end_step()["experts/dropped"]) == 0


@Kind
def test_evaluation_is_not_held_to_the_capacity_and_not_counted(kind: str) -> None:
    built, routing = routed(kind, capacity_factor=0.5)
    rows = tokens(2, LENGTH)
    expected = run(network(kind), rows)
    torch.testing.assert_close(run(built.eval(), rows), expected)
    assert int(routing.asked_LE.sum()) == 0


# --- what is told --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [None, 1.0])
def test_the_metrics_are_those_of_all_parts_of_the_step(factor: float | None) -> None:
    built, routing = routed("mixtral", capacity_factor=factor)
    asked, worked, losses = np.zeros((2, 4)), np.zeros((2, 4)), []
    for part in tokens(4, LENGTH).split(2):
        routing.expect(None)
        run(built, part)
        for layer, each in enumerate(routing.recorded):
            counts = np.bincount(each.chosen.flatten().numpy(), minlength=4)
            asked[layer] += counts
            worked[layer] += counts if factor is None else np.minimum(counts, 16)
        losses.append(by_hand(routing.recorded, 4, [True] * 32))
        routing.losses()
    told = {name: float(value) for name, value in routing.end_step().items()}
    relative = worked / asked.mean(1, keepdims=True)
    assert told["experts/load_max"] == pytest.approx(relative.max(1).mean())
    assert told["experts/load_min"] == pytest.approx(relative.min(1).mean())
    assert told["experts/dropped"] == pytest.approx(1 - worked.sum() / asked.sum(), abs=1e-6)
    assert told["experts/balance_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert (told["experts/dropped"] > 0) == (factor is not None)


def test_loads_are_shares_since_they_were_last_asked() -> None:
    built, routing = routed("mixtral")
    counts = np.zeros((2, 4))
    for seed in range(3):
        routing.begin_step()
        run(built, tokens(2, LENGTH, seed=seed))
        counts += routing.asked_LE.numpy()
        routing.losses()
        routing.end_step()
    np.testing.assert_allclose(routing.loads(), counts / counts.sum(1, keepdims=True), rtol=1e-6)
    assert routing.loads() == [[0.0] * 4] * 2


def test_loads_count_each_choice_and_nobody_is_not_told() -> None:
    assert loads_of(torch.tensor([[0, 2], [2, 3], [3, 2]]), 3).tolist() == [1, 0, 3]


def test_listening_changes_neither_weights_nor_answers() -> None:
    built: Any = network("mixtral").train()
    language.set_dropout(built, 0.0)
    rows, other = tokens(2, LENGTH), copy.deepcopy(built)
    Routing(built, mixture("mixtral"))
    assert torch.equal(run(built, rows), run(other, rows))
    assert set(built.state_dict()) == set(other.state_dict())
