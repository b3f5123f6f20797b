"""Learning rate at a step of a stage, in plain Python: training and the form's preview read this one definition."""

from __future__ import annotations

import math

from trainer.config import Schedule

# DeepSeek LLM (arXiv 2401.02954), section 2.3: the rate falls to 31.6 % of the peak after 80 % of the tokens, to 10 % after 90 %.
MULTI_STEP_MILESTONES = ((0.9, 0.1), (0.8, 0.316))


def learning_rate(schedule: Schedule, step: int, num_steps: int) -> float:
    """Returns the rate used in `step` (1 .. num_steps). Warm-up is linear and reaches the peak in its last step.

    Raises ValueError for a step outside the stage.
    """
    if not 1 <= step <= num_steps:
        raise ValueError(f"step {step} is outside 1..{num_steps}")
    if step <= schedule.warmup_steps:
        return schedule.peak_rate * step / schedule.warmup_steps
    return SHAPES[schedule.shape](schedule, step - schedule.warmup_steps - 1, num_steps - schedule.warmup_steps)


def constant(schedule: Schedule, done: int, span: int) -> float:
    return schedule.peak_rate


def cosine(schedule: Schedule, done: int, span: int) -> float:
    """Half a cosine from the peak to the floor, which the last step reaches (Loshchilov & Hutter, arXiv 1608.03983, no restarts)."""
    floor = schedule.final_rate or 0.0
    progress = done / max(span - 1, 1)
    return floor + (schedule.peak_rate - floor) * (1 + math.cos(math.pi * progress)) / 2


def step_decay(schedule: Schedule, done: int, span: int) -> float:
    assert schedule.decay_interval and schedule.decay_factor is not None
    decayed = schedule.peak_rate * schedule.decay_factor ** (done // schedule.decay_interval)
    return max(decayed, schedule.final_rate or 0.0)


def halving(schedule: Schedule, done: int, span: int) -> float:
    """Holds the peak for `plateau_steps`, then halves it at once and again every `decay_interval`."""
    assert schedule.decay_interval and schedule.plateau_steps is not None
    beyond = done - schedule.plateau_steps
    halvings = 0 if beyond < 0 else 1 + beyond // schedule.decay_interval
    return max(schedule.peak_rate * 0.5**halvings, schedule.final_rate or 0.0)


def multi_step(schedule: Schedule, done: int, span: int) -> float:
    """Milestones count the whole stage, warm-up included, as in the paper."""
    num_steps, step = span + schedule.warmup_steps, done + schedule.warmup_steps
    for milestone, factor in MULTI_STEP_MILESTONES:
        if step >= milestone * num_steps:
            return schedule.peak_rate * factor
    return schedule.peak_rate


def warmup_stable_decay(schedule: Schedule, done: int, span: int) -> float:
    """Holds the peak, and falls over the last `decay_steps` to the floor, which the last step reaches.

    The shape is MiniCPM's (arXiv 2404.06395), which halves the rate again and again at the end; the straight line, which meets
    any floor, is the cooldown of Hägele et al. (arXiv 2405.18392).
    """
    assert schedule.decay_steps and schedule.final_rate is not None
    decayed = max(done + 1 - (span - schedule.decay_steps), 0) / schedule.decay_steps
    return schedule.peak_rate + (schedule.final_rate - schedule.peak_rate) * decayed


SHAPES = {
    "constant": constant,
    "cosine": cosine,
    "step": step_decay,
    "halving": halving,
    "multi_step": multi_step,
    "warmup_stable_decay": warmup_stable_decay,
}


def curve(schedule: Schedule, num_steps: int, max_points: int = 200) -> tuple[list[int], list[float]]:
    """Returns steps and rates for drawing: every step of a short stage, else evenly spaced ones with the first and the last."""
    count = min(num_steps, max_points)
    steps = sorted(
        {1 + round(i * (num_steps - 1) / max(count - 1, 1)) for i in range(count)} | {min(max(schedule.warmup_steps, 1), num_steps)}
    )
    return steps, [learning_rate(schedule, step, num_steps) for step in steps]
