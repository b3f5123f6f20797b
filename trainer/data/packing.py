"""Fills rows of tokens with documents, so that little of a batch is padding and no prediction crosses two documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from trainer.data.documents import Documents

# Answered documents that are at hand to fill the end of a row; more lower the padding, and draw further ahead of the curriculum.
NUM_HELD = 32


class Piece(NamedTuple):
    """Tokens `start` to `stop` of a document."""

    source: int
    document: int
    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def cut(self, room: int) -> tuple[Piece, Piece]:
        """Returns a beginning of at most `room` tokens and what is left, maybe nothing."""
        at = min(self.start + room, self.stop)
        return self._replace(stop=at), self._replace(start=at)


Stretch = tuple[np.ndarray, int, int]


@dataclass(frozen=True)
class Packed:
    """B rows of T tokens. `tokens` and `positions` are int64 (B, T); positions begin at 0 in each document, and in the padding.

    N predictions: `where` int64 (N) are indices into the flat B*T from whose outputs `answers` int64 (N) are to be told, `tasks`
    int64 (N) the tasks they count for. `sources` (B) are the sources in each row, `num_padding` int64 (B) its tokens of padding.
    """

    tokens: np.ndarray
    positions: np.ndarray
    where: np.ndarray
    answers: np.ndarray
    tasks: np.ndarray
    sources: tuple[frozenset[int], ...]
    num_padding: np.ndarray

    def rows(self, start: int, stop: int) -> Packed:
        """Returns some of the rows, as a part of a batch that is computed in several."""
        length = self.tokens.shape[1]
        inside = (self.where >= start * length) & (self.where < stop * length)
        chosen = slice(start, stop)
        where, answers, tasks = self.where[inside] - start * length, self.answers[inside], self.tasks[inside]
        return Packed(self.tokens[chosen], self.positions[chosen], where, answers, tasks, self.sources[chosen], self.num_padding[chosen])


class Order(Protocol):
    """Where documents come from: a `TokenMixture`, or every document once."""

    def behind(self) -> Sequence[int]: ...

    def lag(self, source: int) -> float: ...

    def draw(self, source: int, step: int) -> int | None: ...

    def count(self, source: int, num_tokens: int, *, is_new: bool) -> None: ...


class Packer:
    """Packs rows one after the other. A text that is longer than the room left goes on in a later row, as a document of its own.

    An answered document is never cut. Where the oldest of a source does not fit, the longest that does is taken; then another
    source fills the row, as long as it is less than a row ahead of its share; then there is padding.
    """

    def __init__(self, order: Order, documents: Sequence[Documents], tasks: Sequence[int], max_tokens: int, pad: int) -> None:
        """`tasks` (sources) are the indices of the tasks that the sources belong to."""
        assert all(each.is_plain or each.lengths.max() <= max_tokens for each in documents)
        self.order, self.documents, self.tasks, self.max_tokens, self.pad = order, documents, tasks, max_tokens, pad
        self.held: list[list[Piece]] = [[] for _ in documents]  # what is left of documents that were drawn, the oldest first
        self.num_places = self.num_padding = 0

    def batch(self, num_rows: int, step: int) -> Packed:
        """Returns up to `num_rows` rows, fewer only when the documents come to an end."""
        rows = [row for _ in range(num_rows) if (row := self.row(step))]
        found = assemble(rows, self.documents, self.tasks, self.max_tokens, self.pad)
        self.num_places += found.tokens.size
        self.num_padding += int(found.num_padding.sum())
        return found

    @property
    def padding(self) -> float:
        """Returns the share of the places so far that were padding."""
        return self.num_padding / max(self.num_places, 1)

    def row(self, step: int) -> list[Piece]:
        pieces: list[Piece] = []
        room = self.max_tokens
        while room and (piece := self.piece(room, step)):
            pieces.append(piece)
            room -= piece.length
        return pieces

    def piece(self, room: int, step: int) -> Piece | None:
        """Returns the next piece of at most `room` tokens."""
        for place, source in enumerate(self.order.behind()):
            if place and self.order.lag(source) < -self.max_tokens:
                break
            self.fill(source, step)
            if piece := self.take(source, room):
                self.order.count(source, piece.length, is_new=piece.start == 0)
                return piece
        return None

    def fill(self, source: int, step: int) -> None:
        held, documents = self.held[source], self.documents[source]
        wanted = 1 if documents.is_plain else NUM_HELD
        while len(held) < wanted and (document := self.order.draw(source, step)) is not None:
            held.append(Piece(source, document, 0, int(documents.lengths[document])))

    def take(self, source: int, room: int) -> Piece | None:
        """Returns a beginning of what is left of the text, or an answered document that fits."""
        held = self.held[source]
        if held and self.documents[source].is_plain:
            first, rest = held.pop().cut(room)
            held += [rest] if rest.length else []
            return first
        fitting = [place for place, piece in enumerate(held) if piece.length <= room]
        if not fitting:
            return None
        return held.pop(0 if fitting[0] == 0 else max(fitting, key=lambda place: held[place].length))

    def state(self) -> dict[str, Any]:
        """Returns JSON; the order has a state of its own."""
        held = [[list(piece) for piece in queue] for queue in self.held]
        return {"held": held, "places": self.num_places, "padding": self.num_padding}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.held = [[Piece(*piece) for piece in queue] for queue in state["held"]]
        self.num_places, self.num_padding = state["places"], state["padding"]


def assemble(rows: Sequence[Sequence[Piece]], documents: Sequence[Documents], tasks: Sequence[int], max_tokens: int, pad: int) -> Packed:
    """Lays pieces, and the padding of each row behind its own, one after the other: P stretches of the flat B*T places."""
    num_padding = np.array([max_tokens - sum(piece.length for piece in row) for row in rows], np.int64)
    stretches = [
        stretch for row, room in zip(rows, num_padding.tolist(), strict=True) for stretch in stretched(row, room, documents, tasks, pad)
    ]
    parts, firsts, owners = zip(*stretches, strict=True) if stretches else ((np.zeros(0, np.int64),), (0,), (0,))
    lengths_P = [len(part) for part in parts]
    tokens = np.concatenate(parts, dtype=np.int64)
    positions = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths_P) - lengths_P, lengths_P)
    asked = positions >= np.repeat(firsts, lengths_P)
    shape, sources = (len(rows), max_tokens), tuple(frozenset(piece.source for piece in row) for row in rows)
    owners_N = np.repeat(np.array(owners, np.int64), lengths_P)[asked]
    return Packed(tokens.reshape(shape), positions.reshape(shape), np.flatnonzero(asked) - 1, tokens[asked], owners_N, sources, num_padding)


def stretched(row: Sequence[Piece], room: int, documents: Sequence[Documents], tasks: Sequence[int], pad: int) -> Iterator[Stretch]:
    """Yields (tokens, the place of the first one to predict, the task) of each piece and of the padding, where none is predicted.

    What follows another token of its document can be predicted: the first token cannot, nor can one that is given.
    """
    for source, document, start, stop in row:
        found = documents[source]
        yield found.piece(document, start, stop), max(int(found.num_prompt[document]), 1), tasks[source]
    if room:
        yield np.full(room, pad, np.int32), room, 0


class Once:
    """The order of an evaluation: every document of one source once, the first one first."""

    def __init__(self, size: int) -> None:
        self.left = iter(range(size))

    def behind(self) -> Sequence[int]:
        return (0,)

    def lag(self, source: int) -> float:
        return 0.0

    def draw(self, source: int, step: int) -> int | None:
        return next(self.left, None)

    def count(self, source: int, num_tokens: int, *, is_new: bool) -> None: ...


def in_order(documents: Documents, task: int, max_tokens: int, pad: int, num_rows: int) -> Iterator[Packed]:
    """Yields batches of at most `num_rows` rows that hold every document of a source once."""
    packer = Packer(Once(len(documents)), [documents], [task], max_tokens, pad)
    while len((found := packer.batch(num_rows, 0)).tokens):
        yield found
