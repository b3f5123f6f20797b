"""How far a piece of work has come, as events: at most two a second, and always the last."""

from __future__ import annotations

import time
from collections.abc import Callable

from trainer.events import EventLog

EVERY_S = 0.5
Advance = Callable[[str, int, int], None]


def to_nobody(what: str, done: int, total: int) -> None:
    """For whoever is not asked how far it has come."""


class Progress:
    """Called with a sentence, how much is done and of how much."""

    def __init__(self, events: EventLog) -> None:
        self.events, self.next_at = events, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self.next_at or done == total:
            self.next_at = now + EVERY_S
            self.events.emit("progressed", what=what, done=done, total=total)
