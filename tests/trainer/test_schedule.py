"""The learning rate at every step: by closed forms, and as PyTorch's own schedulers where they coincide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from trainer.config import Schedule
from trainer.schedule import curve, learning_rate

PEAK = 0.01


def rates(num_steps: int, **fields: Any) -> list[float]:
    schedule = Schedule(peak_rate=PEAK, **fields)
    return [learning_rate(schedule, step, num_steps) for step in range(1, num_steps + 1)]


def torch_rates(num_steps: int, make: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler, found = make(optimizer), []
    for _ in range(num_steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return found


def test_the_warm_up_is_linear_and_reaches_the_peak_in_its_last_step() -> None:
    assert rates(8, shape="constant", warmup_steps=4) == pytest.approx([PEAK / 4, PEAK / 2, PEAK * 3 / 4, *[PEAK] * 5])


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": "constant"},
        {"shape": "cosine", "final_rate": 0.001},
        {"shape": "step", "final_rate": 0.0, "decay_interval": 3, "decay_factor": 0.5},
        {"shape": "halving", "final_rate": 0.0, "plateau_steps": 2, "decay_interval": 3},
    ],
    ids=lambda fields: str(fields["shape"]),
)
def test_after_the_warm_up_a_shape_runs_as_it_would_from_the_start(fields: dict[str, Any]) -> None:
    assert rates(25, warmup_steps=5, **fields)[5:] == pytest.approx(rates(20, **fields))


def test_cosine_is_half_a_cosine_from_peak_to_floor() -> None:
    found = rates(11, shape="cosine", final_rate=0.002)
    assert found == pytest.approx([0.002 + 0.008 * (1 + math.cos(math.pi * done / 10)) / 2 for done in range(11)])
    assert (found[0], found[5], found[-1]) == pytest.approx((PEAK, 0.006, 0.002))


def test_cosine_is_that_of_pytorch() -> None:
    expected = torch_rates(12, lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=11, eta_min=0.001))
    assert rates(12, shape="cosine", final_rate=0.001) == pytest.approx(expected)


def test_warm_up_is_that_of_pytorch() -> None:
    expected = torch_rates(9, lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda done: min((done + 1) / 4, 1)))
    assert rates(9, shape="constant", warmup_steps=4) == pytest.approx(expected)


def test_step_decay_is_that_of_pytorch() -> None:
    expected = torch_rates(20, lambda optimizer: lr_scheduler.StepLR(optimizer, 6, 0.4))
    assert rates(20, shape="step", decay_interval=6, decay_factor=0.4, final_rate=0.0) == pytest.approx(expected)


def test_step_decay_stops_at_its_floor() -> None:
    assert rates(4, shape="step", decay_interval=1, decay_factor=0.1, final_rate=5e-4) == pytest.approx([PEAK, 1e-3, 5e-4, 5e-4])


def test_halving_holds_the_peak_and_then_halves_at_each_interval() -> None:
    found = rates(9, shape="halving", plateau_steps=3, decay_interval=2, final_rate=0.0)
    assert found == pytest.approx([PEAK] * 3 + [PEAK / 2] * 2 + [PEAK / 4] * 2 + [PEAK / 8] * 2)


def test_halving_stops_at_its_floor() -> None:
    assert rates(9, shape="halving", plateau_steps=1, decay_interval=1, final_rate=0.003)[-1] == pytest.approx(0.003)


def test_multi_step_falls_after_80_and_90_percent_of_all_steps() -> None:
    expected = [PEAK] * 8 + [PEAK * 0.316] + [PEAK * 0.1]
    assert rates(10, shape="multi_step") == pytest.approx(expected)
    assert rates(10, shape="multi_step", warmup_steps=2)[2:] == pytest.approx(expected[2:])


def test_multi_step_with_one_factor_is_that_of_pytorch() -> None:
    expected = torch_rates(50, lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [40], 0.316))
    assert rates(50, shape="multi_step")[:45] == pytest.approx(expected[:45])


@pytest.mark.parametrize("step", [0, -1, 11])
def test_a_step_outside_the_stage_is_an_error(step: int) -> None:
    with pytest.raises(ValueError, match=rf"step {step} is outside 1\.\.10"):
        learning_rate(Schedule(), step, 10)


@pytest.mark.parametrize(("num_steps", "warmup"), [(1, 0), (1, 5), (7, 3), (200, 20), (5000, 137), (10_000_000, 9)])
def test_the_drawn_curve_has_both_ends_and_the_end_of_the_warm_up(num_steps: int, warmup: int) -> None:
    schedule = Schedule(peak_rate=PEAK, warmup_steps=warmup)
    steps, drawn = curve(schedule, num_steps)
    assert (steps[0], steps[-1]) == (1, num_steps)
    assert steps == sorted(set(steps))
    assert len(steps) <= 201
    assert min(max(warmup, 1), num_steps) in steps
    assert drawn == [learning_rate(schedule, step, num_steps) for step in steps]
