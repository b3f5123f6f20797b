"""Work of which nothing is worth keeping half done: asked to stop, it ends where it stands."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

# Libraries catch everything here and there; longer than what is tidied up on the way out.
AGAIN_S = 15.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


class Stopped(BaseException):
    """Asked to stop; no handler of Exception may swallow it."""


@contextlib.contextmanager
def stopping_at_once(stop_asked: Callable[[], bool]) -> Iterator[None]:
    """Inside, SIGTERM and SIGINT raise Stopped, and so does entering where it was asked before.

    Where a library has swallowed it, it is raised again.
    """
    if stop_asked():
        raise Stopped

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
