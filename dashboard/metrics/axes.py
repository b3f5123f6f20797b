"""What a curve is drawn over: steps, or for each step the samples, tokens, wall time or active time that its stage had come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from dashboard.metrics.names import AXES as PREFIX
from dashboard.metrics.names import WALL
from dashboard.metrics.parts import Ask, Material, Part
from dashboard.metrics.reading import Curve
from dashboard.runs.models import Attempt

Axis = Literal["step", "run_step", "samples", "tokens", "wall", "active"]
AXES: tuple[Axis, ...] = get_args(Axis)
# The series that holds an axis; steps need none.
SERIES: Mapping[str, str] = {"samples": f"{PREFIX}samples", "tokens": f"{PREFIX}tokens", "wall": WALL, "active": WALL}


def along(ask: Ask, axis: Axis) -> Ask:
    """The same piece of the series that holds the axis."""
    return replace(ask, piece=replace(ask.piece, metric=SERIES[axis]))


def positions(ask: Ask, curve: Curve, axis: Axis, measured: Curve | None, material: Material) -> np.ndarray:
    """Returns x for each point of the curve; NaN where its attempt never said how far it was.

    Samples and tokens count from the beginning of the run where the curve is the whole run's, else of the stage; active time always of the
    run, and wall time is in Unix seconds.
    """
    shifts = shifts_of(ask, axis, material)
    if measured is None:
        return curve.step + (np.array([shifts[part.stage] for part in curve.parts])[curve.part] if len(curve.step) else 0)
    x = np.full(len(curve.step), np.nan)
    knots = {(part.stage, part.attempt.pk): knots_of(measured, number) for number, part in enumerate(measured.parts)}
    for number, part in enumerate(curve.parts):
        known = knots.get((part.stage, part.attempt.pk))
        if known is not None:
            own = curve.part == number
            x[own] = np.interp(curve.step[own], *known) + shifts[part.stage]
            if axis == "active":
                x[own] -= paused_before(part, material.attempts_of(ask.run, part.stage))
    return x


def knots_of(measured: Curve, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of an axis, which only grows within an attempt: a bucket's maximum is what it had come to at its last step."""
    own, part = measured.part == number, measured.parts[number]
    steps, values = measured.step[own], measured.maximum[own]
    if measured.buckets:
        first = max(part.head.first_step, part.low) + part.offset
        steps, values = np.append(first, steps), np.append(measured.minimum[own][0], values)
    return steps, values


def shifts_of(ask: Ask, axis: Axis, material: Material) -> Mapping[int, float]:
    """What each stage adds to x for those before it."""
    found: dict[int, float] = defaultdict(float)
    total = 0.0
    for stage in material.stages.get(ask.run.pk, ()):
        attempts = material.attempts_of(ask.run, stage.index)
        if axis == "active" or (axis == "run_step" and ask.stage) or (axis in ("samples", "tokens") and not ask.stage):
            found[stage.index] = total
        if axis == "active":
            total += sum(seconds_of(attempt) for attempt in attempts)
        elif axis == "run_step":
            total += stage.num_steps
        elif axis in SERIES:
            heads = [head for each in attempts if (head := material.heads.get((each.pk, SERIES[axis])))]
            total += heads[-1].last_value or 0 if heads else 0
    return found


def paused_before(part: Part, attempts: Sequence[Attempt]) -> float:
    """What is taken from the wall time of an attempt: when it began, less the time in which the attempts before were at work."""
    worked = sum(seconds_of(attempt) for attempt in attempts if attempt.number < part.attempt.number)
    return part.attempt.started_at.timestamp() - worked


def seconds_of(attempt: Attempt) -> float:
    """The time in which a worker was at it; one that died was at work until its last point."""
    ends = attempt.last_point_at if attempt.outcome == "lost" or attempt.ended_at is None else attempt.ended_at
    return (ends - attempt.started_at).total_seconds() if ends else 0.0
