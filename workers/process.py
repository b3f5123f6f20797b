"""The trainer as a child process: it dies with this one, knows no secret, and prints into a file."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from django.conf import settings

TRAINER = (sys.executable, "-m", "trainer")
LOG = "log.txt"
SILENT_S = 0.05  # between two looks at a process that has closed its doorbell: it is about to end
SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class Trainer:
    """`python -m trainer VERB FOLDER`. Its standard input is a pipe that closes when this process dies, and it ends with it.

    Another pipe is its doorbell: it writes a byte when there are new events.
    """

    def __init__(self, verb: str, folder: Path) -> None:
        self.log: IO[bytes] = (folder / LOG).open("ab")
        self.ear, bell = os.pipe()
        try:
            self.child = subprocess.Popen(
                [*TRAINER, verb, str(folder), "--lifeline", "--doorbell", str(bell), "--datasets", str(settings.DATASETS_DIR)],
                stdin=subprocess.PIPE,
                stdout=self.log,
                stderr=self.log,
                env=environment(),
                cwd=settings.BASE_DIR,
                start_new_session=True,
                pass_fds=(bell,),
            )
        except OSError:
            os.close(self.ear)
            self.log.close()
            raise
        finally:
            os.close(bell)
        self.is_silent = False

    def listen(self, timeout_s: float) -> None:
        """Returns when the trainer has rung since the last time, has ended, or the time is over."""
        if self.is_silent:
            time.sleep(min(timeout_s, SILENT_S))
            return
        poll = select.poll()
        poll.register(self.ear, select.POLLIN)
        if poll.poll(timeout_s * 1000):
            self.is_silent = not os.read(self.ear, 2**16)

    def status(self) -> int | None:
        return self.child.poll()

    def ask_to_stop(self) -> None:
        """The trainer saves after its present step and ends."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the child with everything it started."""
        self._signal(signal.SIGKILL)
        self.child.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, number)

    def close(self) -> None:
        """Ends the child if it still runs, and its pipe and log."""
        self.kill()
        assert self.child.stdin is not None
        self.child.stdin.close()
        self.log.close()
        os.close(self.ear)


def environment() -> dict[str, str]:
    """What the trainer may know: no key, no database, no broker."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    own = {"HF_HOME": str(settings.DATA_DIR / "huggingface"), "TOKENIZERS_PARALLELISM": "false"}
    return {**own, **kept, "PYTHONUNBUFFERED": "1"}
