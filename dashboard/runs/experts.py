"""How busy the experts of each layer were, as bars around the equal share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 24


@dataclass(frozen=True)
class Layer:
    """`bars` are (x, y, height) on a field of 100 by 24, on which the equal share lies at half the height."""

    number: int
    bars: list[tuple[float, float, float]]
    width: float
    least: float
    most: float


def layers_of(loads: Sequence[Sequence[float]]) -> list[Layer]:
    return [layer(number, shares) for number, shares in enumerate(loads, 1) if shares]


def layer(number: int, shares: Sequence[float]) -> Layer:
    """Twice the equal share, and all that is above it, fills the height."""
    pitch, equal = 100 / len(shares), 1 / len(shares)
    heights = [round(HEIGHT * min(1.0, share / equal / 2), 2) for share in shares]
    bars = [(round(place * pitch, 2), round(HEIGHT - height, 2), height) for place, height in enumerate(heights)]
    return Layer(number, bars, round(0.8 * pitch, 2), min(shares), max(shares))
