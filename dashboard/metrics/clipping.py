"""Lays the rows of a window out as entries that cover its points exactly: coarse inside, finer where the window cuts an entry in two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from dashboard.metrics.packing import ENTRY, POINT
from dashboard.metrics.pyramid import FANOUT, FULL, as_entries
from dashboard.metrics.rows import Row, Window


@dataclass(frozen=True)
class Stretch:
    """Consecutive entries of one level. `first_step` is that of the first entry, or at the least the last one before it."""

    level: int
    first_point: int
    first_step: int
    entries: np.ndarray

    @property
    def weight(self) -> int:
        return int(FANOUT**self.level)

    @property
    def last_steps(self) -> np.ndarray:
        return self.entries["last_step" if self.level else "step"]

    def cut(self, start: int, stop: int) -> Stretch:
        first_step = int(self.last_steps[start - 1]) if start else self.first_step
        return Stretch(self.level, self.first_point + start * self.weight, first_step, self.entries[start:stop])


def points_in(rows: Sequence[Row], window: Window) -> np.ndarray:
    """The points of a window on level 0, as they were written."""
    points = np.frombuffer(b"".join(row.data for row in rows), POINT)
    start, stop = np.searchsorted(points["step"], window.low, "left"), np.searchsorted(points["step"], window.high, "right")
    return points[start:stop]


def entries_in(rows: Sequence[Row], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Returns entries and how many points each stands for; every point of the window is in exactly one, and no other point is."""
    edges = [row for row in rows if row.is_full and row.level < window.level]
    found = [piece for stretch in stretches(rows, window.level) for piece in clipped(stretch, window, edges)]
    entries = [as_entries(piece.entries) if piece.level == 0 else piece.entries for piece in found]
    weights = [np.full(len(piece.entries), piece.weight) for piece in found]
    return np.concatenate([np.empty(0, ENTRY), *entries]), np.concatenate([np.empty(0, np.int64), *weights])


def stretches(rows: Iterable[Row], level: int) -> Iterable[Stretch]:
    """The rows that cover the window, joined where they are of one level: they lie one behind the other."""
    covering = [row for row in rows if row.level == level or not row.is_full]
    for number, group in groupby(covering, key=lambda row: row.level):
        joined = list(group)
        entries = np.frombuffer(b"".join(row.data for row in joined), ENTRY if number else POINT)
        yield Stretch(number, joined[0].first_point, joined[0].first_step, entries)


def clipped(stretch: Stretch, window: Window, edges: Sequence[Row]) -> list[Stretch]:
    """What lies in the window. The first and the last entry may reach over its limits: they are replaced by what they stand for."""
    last = stretch.last_steps
    before = np.append(stretch.first_step, last[:-1]) if stretch.level else last
    start, stop = int(np.searchsorted(last, window.low, "left")), int(np.searchsorted(before, window.high, "right"))
    if start >= stop:
        return []
    begun, ended = [], []
    if before[start] < window.low or last[start] > window.high:
        begun = opened(stretch, start, window, edges)
        start += 1
    if start < stop and last[stop - 1] > window.high:
        stop -= 1
        ended = opened(stretch, stop, window, edges)
    return [*begun, *([stretch.cut(start, stop)] if start < stop else []), *ended]


def opened(stretch: Stretch, place: int, window: Window, edges: Sequence[Row]) -> list[Stretch]:
    """The entries below one that may reach over a limit. Where their row was not needed, all its points lie on one side."""
    entry, level = stretch.cut(place, place + 1), stretch.level - 1
    size = FANOUT**level * FULL
    row = next((row for row in edges if row.level == level and 0 <= entry.first_point - row.first_point < size), None)
    if row is None:
        return [entry] if entry.last_steps[0] <= window.high else []
    below = Stretch(level, row.first_point, row.first_step, np.frombuffer(row.data, ENTRY if level else POINT))
    start = (entry.first_point - row.first_point) // FANOUT**level
    return clipped(below.cut(start, start + FANOUT), window, edges)
