"""A process that is kept running: started, its lines prefixed, started again when it dies, asked to end and made to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from django.conf import settings

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0
# A child that ran this long is taken for healthy: its next death starts the waits anew.
HEALTHY_S = 30.0


class Child:
    """One service of the supervisor. `patience_s` is how long it may take to end."""

    def __init__(self, name: str, command: Sequence[str], patience_s: float = 10.0) -> None:
        self.name, self.command, self.patience_s = name, list(command), patience_s
        self.process: subprocess.Popen[bytes] | None = None
        self.wait_s = FIRST_WAIT_S
        self.started_at = self.start_again_at = 0.0

    def start(self) -> None:
        """In a session of its own, so that a Ctrl-C reaches the supervisor alone, which then stops one after the other."""
        bound = [sys.executable, "-m", "trainer.bound", str(os.getpid()), *self.command]
        self.process = subprocess.Popen(
            bound, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=settings.BASE_DIR, start_new_session=True
        )
        assert self.process.stdout
        threading.Thread(target=prefix_lines, args=(self.name, self.process.stdout), daemon=True).start()
        self.started_at = time.monotonic()

    def look_after(self) -> None:
        """Starts a dead child again, at first at once, then after longer and longer waits."""
        if self.process is not None and self.process.poll() is not None:
            self.note_death(self.process.returncode)
        if self.process is None and time.monotonic() >= self.start_again_at:
            self.start()

    def note_death(self, status: int) -> None:
        now = time.monotonic()
        if now - self.started_at > HEALTHY_S:
            self.wait_s = FIRST_WAIT_S
        say(self.name, f"ended with status {status}; it starts again in {self.wait_s:g} s")
        self.process, self.start_again_at = None, now + self.wait_s
        self.wait_s = min(self.wait_s * 2, LONGEST_WAIT_S)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            say(self.name, "does not end by itself; it is killed")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def prefix_lines(name: str, lines: IO[bytes]) -> None:
    for line in lines:
        say(name, line.decode(errors="replace").rstrip())


def say(name: str, line: str) -> None:
    """One write per line, so that lines of two children never mix. A terminal that is gone stops nobody."""
    try:
        sys.stdout.write(f"{name:<7}| {line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        pass
