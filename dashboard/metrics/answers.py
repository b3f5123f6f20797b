"""Answers questions about series: a curve for each, its axis, and the cursor from which the websocket goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.metrics.axes import SERIES, Axis, along, positions
from dashboard.metrics.parts import Ask, Material
from dashboard.metrics.reading import MAX_POINTS, Curve, read_parts


@dataclass(frozen=True)
class Answer:
    """A curve, with x where that is not the step. The run's cursor is older than the points: what comes again changes nothing."""

    ask: Ask
    curve: Curve
    x: np.ndarray | None
    cursor: int


def answers(asks: Sequence[Ask], max_points: int = MAX_POINTS, axis: Axis = "step") -> list[Answer]:
    """Takes runs as they were read, before anything else. Five queries, however many questions."""
    metrics = {ask.piece.metric for ask in asks} | ({SERIES[axis]} if axis in SERIES else set())
    material = Material.of({ask.run for ask in asks}, metrics)
    axes = list(dict.fromkeys(along(ask, axis) for ask in asks)) if axis in SERIES else []
    curves = read_parts([material.parts(ask) for ask in [*asks, *axes]], max_points)
    measured = dict(zip(axes, curves[len(asks) :], strict=True))
    found = []
    for ask, curve in zip(asks, curves, strict=False):
        known = measured[along(ask, axis)] if axis in SERIES else None
        x = None if axis == "step" else positions(ask, curve, axis, known, material)
        found.append(Answer(ask, curve, x, ask.run.cursor))
    return found
