"""Looks after the children: starts them in order, heals each by itself, stops them in reverse order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from dashboard.start.child import Child

LOOK_S = 0.2


class Supervisor:
    """Runs in the main thread, to which the children are bound: when it dies, they are asked to end."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = threading.Event()

    def heed_signals(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal ask the supervisor to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def start(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def look_after(self, until: Callable[[], bool], within_s: float = float("inf")) -> bool:
        """Keeps every child running until something is true; False when it stops or the time is over first."""
        deadline = time.monotonic() + within_s
        while not self.stopping.is_set() and time.monotonic() < deadline:
            if until():
                return True
            for child in self.children:
                child.look_after()
            self.stopping.wait(LOOK_S)
        return False

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()
