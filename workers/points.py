"""Sorts what the events of a batch report into one pair of columns, steps and values, per metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.metrics.names import WALL
from trainer.events import NOT_FINITE

Points = dict[str, tuple[list[int], list[float]]]


def points_of(events: Sequence[Mapping[str, Any]]) -> Points:
    """The metrics of every step and evaluation; of each step also when it was made, for the axis of wall time."""
    points: Points = defaultdict(lambda: ([], []))
    for event in events:
        if event["kind"] in ("stepped", "evaluated"):
            step = event["step"]
            for metric, value in event.get("metrics", {}).items():
                steps, values = points[metric]
                steps.append(step)
                values.append(NOT_FINITE[value] if isinstance(value, str) else value)
            if event["kind"] == "stepped":
                steps, values = points[WALL]
                steps.append(step)
                values.append(event["at"])
    return points
