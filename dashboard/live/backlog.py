"""The newest frames of a run, which all its watchers in this process share, however slow each of them is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cached_property

from dashboard.live import frames

MAX_FRAMES = 5_000
MAX_BYTES = 4 * 2**20
# One message to a page is about so long at most.
MESSAGE_BYTES = 2**20


class Frame:
    """One update as it is sent, in either form; each is made once for all who want it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.cursor = data, frames.head(data)[2]

    @cached_property
    def text(self) -> str:
        (update,) = frames.decode(self.data)
        return update.to_json()

    @cached_property
    def num_points(self) -> int:
        return frames.num_points(self.data)


class Backlog:
    """Frames in order and without a gap, up to `cursor`; the oldest ones go."""

    def __init__(self, cursor: int) -> None:
        self.cursor, self.size = cursor, 0
        self.frames: deque[Frame] = deque()

    def add(self, frame: Frame) -> None:
        assert frame.cursor == self.cursor + 1
        self.frames.append(frame)
        self.cursor, self.size = frame.cursor, self.size + len(frame.data)
        while len(self.frames) > MAX_FRAMES or (self.size > MAX_BYTES and len(self.frames) > 1):
            self.size -= len(self.frames.popleft().data)

    def holds(self, cursor: int) -> bool:
        """Whether all that follows a cursor is still here."""
        return cursor >= self.cursor - len(self.frames)

    def after(self, cursor: int) -> list[Frame]:
        """Returns the next frames behind a cursor, about a message of them; nothing where they are not here any more."""
        if not self.holds(cursor):
            return []
        return a_message(self.frames[place] for place in range(len(self.frames) - (self.cursor - cursor), len(self.frames)))


def a_message(frames: Iterable[Frame]) -> list[Frame]:
    """Takes from the beginning what goes into one message."""
    found, size = list[Frame](), 0
    for frame in frames:
        found.append(frame)
        size += len(frame.data)
        if size >= MESSAGE_BYTES:
            break
    return found
