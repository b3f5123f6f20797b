"""The learning rate at every step: by closed forms, and as PyTorch's own schedulers where they coincide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from trainer.config import SHAPE_FIELDS, Schedule
from trainer.schedule import SHAPES, curve, learning_rate

Make = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
PEAK = 0.01


def rates(num_steps: int, **fields: Any) -> list[float]:
    schedule = Schedule(peak_rate=PEAK, **fields)
    return [learning_rate(schedule, step, num_steps) for step in range(1, num_steps + 1)]


def torch_rates(num_steps: int, make: Make) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler, found = make(optimizer), []
    for _ in range(num_steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return found


NUM_STEPS, WARMUP = 240, 24
EXACT: dict[str, Any] = {"rel": 1e-9, "abs": 1e-12}


def halved(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    """A plateau of 50 steps, then halves at once and every 20 steps."""
    return lr_scheduler.MultiStepLR(optimizer, list(range(50, NUM_STEPS, 20)), 0.5)


def held_then_straight(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    """The last of 240 - 24 steps has made 60 of 60 steps of the way down to a tenth."""
    return lr_scheduler.LambdaLR(optimizer, lambda done: 1 - 0.9 * max(0, done - 155) / 60)


def milestones(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    """80 % and 90 % of the 240 steps are 192 and 216; the scheduler begins 24 steps later. DeepSeek rounds 0.316 x 0.316 to 0.1."""
    return lr_scheduler.LambdaLR(optimizer, lambda done: 1 if done < 168 else 0.316 if done < 192 else 0.1)


OF_PYTORCH: list[tuple[dict[str, Any], Make]] = [
    ({"shape": "constant"}, lambda optimizer: lr_scheduler.ConstantLR(optimizer, 1.0)),
    ({"shape": "cosine", "final_rate": 0.001}, lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 215, 0.001)),
    ({"shape": "step", "final_rate": 0, "decay_interval": 30, "decay_factor": 0.4}, lambda made: lr_scheduler.StepLR(made, 30, 0.4)),
    ({"shape": "halving", "final_rate": 0, "plateau_steps": 50, "decay_interval": 20}, halved),
    ({"shape": "multi_step"}, milestones),
    ({"shape": "warmup_stable_decay", "final_rate": 0.001, "decay_steps": 60}, held_then_straight),
]


@pytest.mark.parametrize(("fields", "make"), OF_PYTORCH, ids=lambda each: each["shape"] if isinstance(each, dict) else "")
def test_every_shape_behind_a_warm_up_is_what_pytorch_makes_of_its_own_schedulers(fields: dict[str, Any], make: Make) -> None:
    def warmed_up(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        # Its first step has 1/24 of the peak, its last one 24/24.
        first = lr_scheduler.LinearLR(optimizer, 1 / WARMUP, total_iters=WARMUP - 1)
        return lr_scheduler.SequentialLR(optimizer, [first, make(optimizer)], [WARMUP])

    expected = torch_rates(NUM_STEPS, warmed_up)
    assert rates(NUM_STEPS, warmup_steps=WARMUP, **fields) == pytest.approx(expected, **EXACT)


def test_every_shape_is_compared_with_pytorch() -> None:
    assert {fields["shape"] for fields, _ in OF_PYTORCH} == set(SHAPES) == set(SHAPE_FIELDS)


def test_the_warm_up_is_linear_and_reaches_the_peak_in_its_last_step() -> None:
    assert rates(8, shape="constant", warmup_steps=4) == pytest.approx([PEAK / 4, PEAK / 2, PEAK * 3 / 4, *[PEAK] * 5], **EXACT)


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": "constant"},
        {"shape": "cosine", "final_rate": 0.001},
        {"shape": "step", "final_rate": 0.0, "decay_interval": 3, "decay_factor": 0.5},
        {"shape": "halving", "final_rate": 0.0, "plateau_steps": 2, "decay_interval": 3},
        {"shape": "warmup_stable_decay", "final_rate": 0.001, "decay_steps": 8},
    ],
    ids=lambda fields: str(fields["shape"]),
)
def test_after_the_warm_up_a_shape_runs_as_it_would_from_the_start(fields: dict[str, Any]) -> None:
    assert rates(25, warmup_steps=5, **fields)[5:] == pytest.approx(rates(20, **fields), **EXACT)


def test_cosine_is_half_a_cosine_from_peak_to_floor() -> None:
    found = rates(11, shape="cosine", final_rate=0.002)
    assert found == pytest.approx([0.002 + 0.008 * (1 + math.cos(math.pi * done / 10)) / 2 for done in range(11)], **EXACT)
    assert (found[0], found[5], found[-1]) == pytest.approx((PEAK, 0.006, 0.002), **EXACT)


def test_cosine_is_that_of_pytorch() -> None:
    expected = torch_rates(12, lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=11, eta_min=0.001))
    assert rates(12, shape="cosine", final_rate=0.001) == pytest.approx(expected, **EXACT)


def test_warm_up_is_that_of_pytorch() -> None:
    expected = torch_rates(9, lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda done: min((done + 1) / 4, 1)))
    assert rates(9, shape="constant", warmup_steps=4) == pytest.approx(expected, **EXACT)


def test_step_decay_is_that_of_pytorch() -> None:
    expected = torch_rates(20, lambda optimizer: lr_scheduler.StepLR(optimizer, 6, 0.4))
    assert rates(20, shape="step", decay_interval=6, decay_factor=0.4, final_rate=0.0) == pytest.approx(expected, **EXACT)


def test_step_decay_stops_at_its_floor() -> None:
    assert rates(4, shape="step", decay_interval=1, decay_factor=0.1, final_rate=5e-4) == pytest.approx([PEAK, 1e-3, 5e-4, 5e-4], **EXACT)


def test_halving_holds_the_peak_and_then_halves_at_each_interval() -> None:
    found = rates(9, shape="halving", plateau_steps=3, decay_interval=2, final_rate=0.0)
    assert found == pytest.approx([PEAK] * 3 + [PEAK / 2] * 2 + [PEAK / 4] * 2 + [PEAK / 8] * 2, **EXACT)


def test_halving_stops_at_its_floor() -> None:
    assert rates(9, shape="halving", plateau_steps=1, decay_interval=1, final_rate=0.003)[-1] == pytest.approx(0.003, **EXACT)


def test_warmup_stable_decay_holds_the_peak_and_then_falls_straight_to_the_floor() -> None:
    found = rates(10, shape="warmup_stable_decay", warmup_steps=2, final_rate=0.002, decay_steps=4)
    assert found == pytest.approx([0.005, *[PEAK] * 5, 0.008, 0.006, 0.004, 0.002], **EXACT)


def test_the_decay_is_that_of_pytorch_s_linear_scheduler() -> None:
    expected = torch_rates(7, lambda optimizer: lr_scheduler.LinearLR(optimizer, 1.0, 0.25, total_iters=6))
    assert rates(20, shape="warmup_stable_decay", final_rate=PEAK / 4, decay_steps=6)[13:] == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("num_steps", [5, 6, 50])
def test_the_decay_ends_with_the_stage_and_may_fill_it(num_steps: int) -> None:
    found = rates(num_steps, shape="warmup_stable_decay", final_rate=0.0, decay_steps=5)
    assert found[-5:] == pytest.approx([0.008, 0.006, 0.004, 0.002, 0.0], **EXACT)
    assert found[:-5] == [PEAK] * (num_steps - 5)


def test_multi_step_falls_after_80_and_90_percent_of_all_steps() -> None:
    expected = [PEAK] * 8 + [PEAK * 0.316] + [PEAK * 0.1]
    assert rates(10, shape="multi_step") == pytest.approx(expected, **EXACT)
    assert rates(10, shape="multi_step", warmup_steps=2)[2:] == pytest.approx(expected[2:], **EXACT)


def test_multi_step_with_one_factor_is_that_of_pytorch() -> None:
    expected = torch_rates(50, lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [40], 0.316))
    assert rates(50, shape="multi_step")[:45] == pytest.approx(expected[:45], **EXACT)


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
