"""A warm `trainer serve`: a child that is started at the first request and again whenever it dies or hangs."""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings

from dashboard.playground.predicting import PATIENCE_S
from dashboard.playground.wire import STATE
from workers.process import TRAINER, environment

log = logging.getLogger(__name__)

# Nobody waits longer than this for a word, so a predictor that is silent longer hangs, or is too slow to be of use.
TIME_LIMIT_S = float(max(PATIENCE_S.values()))
LOOK_S = 0.2


class Predictor:
    """A child that answers a line with lines, the last one without a `state`. It ends when its standard input closes, so it dies with
    this process. A gentle one leaves the processor to those that wait at a page."""

    def __init__(self, *, is_gentle: bool = False) -> None:
        self.options = ["--gentle"] if is_gentle else []
        self.child: subprocess.Popen[bytes] | None = None
        self.unread = b""

    @property
    def is_warm(self) -> bool:
        return self.child is not None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Returns the last reply alone."""
        *_, last = self.replies(request)
        return last

    def replies(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yields what the child says; None in between are moments in which it said nothing, for the caller to look around."""
        for line in self.exchange(json.dumps(request)):
            reply: dict[str, Any] = json.loads(line) if line else {STATE: ""}
            yield reply
            if STATE not in reply:
                return
        self.close()
        yield {
            "id": request["id"],
            "error": "The predictor broke off while it worked on this; the worker's log says why.",
            "kind": "failed",
        }

    def exchange(self, line: str) -> Iterator[str]:
        """Yields lines, "" for each silent moment; ends when the child died or was silent for too long."""
        try:
            self.write(line)
            heard_at = time.monotonic()
            while time.monotonic() - heard_at < TIME_LIMIT_S:
                for found in self.lines():
                    heard_at = time.monotonic() if found else heard_at
                    yield found
        except (OSError, EOFError):
            return

    def cancel(self, request_id: str) -> None:
        """Asks the child to end what it works on; it then gives its last reply."""
        try:
            self.write(json.dumps({"cancel": request_id}))
        except OSError:
            log.info("there is nothing to cancel: the predictor is gone")

    def write(self, line: str) -> None:
        given, _ = self.pipes()
        given.write(line.encode() + b"\n")
        given.flush()

    def lines(self) -> Iterator[str]:
        """Yields the whole lines that arrive within a moment, or "". Raises EOFError when the child has ended."""
        _, taken = self.pipes()
        with selectors.DefaultSelector() as selector:
            selector.register(taken, selectors.EVENT_READ)
            if not selector.select(LOOK_S):
                yield ""
                return
        if not (data := os.read(taken.fileno(), 2**16)):
            raise EOFError
        *whole, self.unread = (self.unread + data).split(b"\n")
        yield from (line.decode() for line in whole)

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self.child is None or (self.child.poll() is not None and not self.unread):
            self.close()
            self.child = start(self.options)
        given, taken = self.child.stdin, self.child.stdout
        assert given and taken
        return given, taken

    def close(self) -> None:
        if self.child is None:
            return
        self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            close_quietly(pipe)
        self.child, self.unread = None, b""


def start(options: list[str]) -> subprocess.Popen[bytes]:
    log.info("starting the predictor")
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*TRAINER, "serve", *options], stdin=pipe, stdout=pipe, env=environment(), cwd=settings.BASE_DIR, start_new_session=True
    )


def close_quietly(pipe: IO[bytes] | None) -> None:
    """What was not written yet goes nowhere: the reader is dead."""
    try:
        if pipe:
            pipe.close()
    except OSError:
        pass
