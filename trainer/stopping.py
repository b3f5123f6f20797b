"""Work of which nothing is worth keeping half done: asked to stop, it ends where it stands."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn


class Stopped(BaseException):
    """Asked to stop; no handler of Exception may swallow it."""


@contextlib.contextmanager
def stopping_at_once(stop_asked: Callable[[], bool]) -> Iterator[None]:
    """Inside, SIGTERM and SIGINT raise Stopped, and so does entering where it was asked before."""
    if stop_asked():
        raise Stopped

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
