"""Keeps the rows of a series few: what is new is a small row, 64 small ones become one, and 4,096 entries a full one.

The same rule holds on every level. What stands for the entries of new full rows arrives, in the same transaction, on the level above.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.packing import ENTRY, POINT, pack_cursors, unpack_cursors
from dashboard.metrics.pyramid import FANOUT, FULL, as_entries, fold

MOST_SMALL_ROWS = 64
# Metrics that are written together fill their rows together. Only some of them are compacted at once, but never fewer than
# come due in the long run.
COMPACTED_AT_ONCE = 8
TURNS = 32


@dataclass(frozen=True)
class Piece:
    """Consecutive entries of one level. `cursors` has one for each point on level 0, and the oldest and newest above it."""

    first_point: int
    first_step: int
    entries: np.ndarray
    cursors: np.ndarray

    @property
    def is_points(self) -> bool:
        return bool(self.entries.dtype == POINT)

    @property
    def last_step(self) -> int:
        return int(self.entries["step" if self.is_points else "last_step"][-1])

    def cut(self, start: int, stop: int, weight: int) -> Piece:
        """Above level 0 only last steps are known: a later part begins at the last step before it, or behind that."""
        first_step = self.first_step
        if start:
            first_step = int(self.entries["step"][start] if self.is_points else self.entries["last_step"][start - 1])
        cursors = self.cursors[start:stop] if self.is_points else self.cursors
        return Piece(self.first_point + start * weight, first_step, self.entries[start:stop], cursors)

    def folded(self, weight: int) -> Piece:
        """What stands for it on the level above."""
        entries = as_entries(self.entries) if self.is_points else self.entries
        return Piece(self.first_point, self.first_step, fold(entries, weight), self.cursors[[0, -1]])


Pieces = Mapping[str, Piece]


@dataclass
class Flush:
    """The rows that one transaction adds to and takes from the store; pieces go by the metrics of `heads`."""

    run_id: int
    heads: Mapping[str, Series]
    added: list[Chunk] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)

    def place(self, pieces: Pieces, level: int = 0) -> None:
        """Puts pieces on their level, and on the levels above what stands for those that filled a row."""
        while pieces:
            pieces = self.place_on(level, pieces, self.due(level, pieces))
            level += 1

    def place_on(self, level: int, pieces: Pieces, compacted: set[str]) -> dict[str, Piece]:
        """Returns what arrives on the level above."""
        opened = self.take_open(level, compacted)
        above: dict[str, Piece] = {}
        for metric, piece in pieces.items():
            if metric in compacted:
                whole = joined([opened[metric], piece]) if metric in opened else piece
                above |= self.settle(metric, level, whole)
            else:
                self.add(metric, level, piece)
        return above

    def due(self, level: int, pieces: Pieces) -> set[str]:
        """The series that are compacted now: always one that gets a full row's worth, else those with most small rows."""
        large = {metric for metric, piece in pieces.items() if len(piece.entries) >= FULL}
        ready = [metric for metric, piece in pieces.items() if metric not in large and self.is_ready(metric, level, len(piece.entries))]
        if level == 0:
            ready.sort(key=lambda metric: self.open_at(metric, level)[0], reverse=True)
            ready = ready[: max(COMPACTED_AT_ONCE, len(pieces) // TURNS)]
        return large | set(ready)

    def is_ready(self, metric: str, level: int, num_new: int) -> bool:
        num_rows, num_entries = self.open_at(metric, level)
        return num_rows + 1 >= MOST_SMALL_ROWS or num_entries + num_new >= FULL

    def settle_open(self, level: int) -> None:
        """Makes at most one small row of the small ones on a level."""
        opened = self.take_open(level, [metric for metric in self.heads if self.open_at(metric, level)[0] > 1])
        above: dict[str, Piece] = {}
        for metric, piece in opened.items():
            above |= self.settle(metric, level, piece)
        self.place(above, level + 1)

    def settle(self, metric: str, level: int, piece: Piece) -> dict[str, Piece]:
        """Makes full rows of a piece that begins where the full ones end, and a small one of the rest; returns their parents."""
        weight, num_full = FANOUT**level, len(piece.entries) // FULL * FULL
        for start in range(0, num_full, FULL):
            self.added.append(self.row(metric, level, piece.cut(start, start + FULL, weight)))
        self.open_at(metric, level)[:] = [0, 0]
        if num_full < len(piece.entries):
            self.add(metric, level, piece.cut(num_full, len(piece.entries), weight))
        return {metric: piece.cut(0, num_full, weight).folded(weight)} if num_full else {}

    def add(self, metric: str, level: int, piece: Piece) -> None:
        """One more small row."""
        self.added.append(self.row(metric, level, piece))
        state = self.open_at(metric, level)
        state[:] = [state[0] + 1, state[1] + len(piece.entries)]

    def row(self, metric: str, level: int, piece: Piece) -> Chunk:
        return Chunk(
            run_id=self.run_id,
            series=self.heads[metric],
            level=level,
            is_full=len(piece.entries) == FULL,
            first_point=piece.first_point,
            first_step=piece.first_step,
            last_step=piece.last_step,
            num_entries=len(piece.entries),
            first_cursor=int(piece.cursors[0]),
            cursor=int(piece.cursors[-1]),
            cursors=pack_cursors(piece.cursors) if piece.is_points else b"",
            data=piece.entries.tobytes(),
        )

    def open_at(self, metric: str, level: int) -> list[int]:
        """The numbers of small rows and of the entries in them; to be changed in place."""
        levels: list[list[int]] = self.heads[metric].levels
        while len(levels) <= level:
            levels.append([0, 0])
        return levels[level]

    def take_open(self, level: int, metrics: Iterable[str]) -> dict[str, Piece]:
        """Takes the small rows of the series out of the store and returns those of each series as one piece. One query."""
        known = {self.heads[metric].pk: metric for metric in metrics if self.open_at(metric, level)[0]}
        rows: dict[str, list[Piece]] = defaultdict(list)
        if known:
            for row in Chunk.objects.filter(series__in=known, is_full=False, level=level).order_by("first_point"):
                self.removed.append(row.pk)
                rows[known[row.series_id]].append(piece_of(row))
        return {metric: joined(pieces) for metric, pieces in rows.items()}

    def save(self) -> None:
        """The heads are saved before: a new one gets its key there."""
        if self.removed:
            Chunk.objects.filter(pk__in=self.removed).delete()
        Chunk.objects.bulk_create(self.added)


def piece_of(row: Chunk) -> Piece:
    if row.level:
        return Piece(row.first_point, row.first_step, np.frombuffer(row.data, ENTRY), np.array([row.first_cursor, row.cursor]))
    points = np.frombuffer(row.data, POINT)
    return Piece(row.first_point, row.first_step, points, unpack_cursors(row.cursor, row.cursors, len(points)))


def joined(pieces: list[Piece]) -> Piece:
    cursors = np.concatenate([piece.cursors for piece in pieces])
    if not pieces[0].is_points:
        cursors = cursors[[0, -1]]
    return Piece(pieces[0].first_point, pieces[0].first_step, np.concatenate([piece.entries for piece in pieces]), cursors)
