"""The trainer as a child process: it dies with this one, knows no secret, and prints into a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from django.conf import settings

TRAINER = (sys.executable, "-m", "trainer")
LOG = "log.txt"
SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class Trainer:
    """`python -m trainer VERB FOLDER`. Its standard input is a pipe that closes when this process dies, and it ends with it."""

    def __init__(self, verb: str, folder: Path) -> None:
        self.log: IO[bytes] = (folder / LOG).open("ab")
        self.child = subprocess.Popen(
            [*TRAINER, verb, str(folder), "--lifeline", "--datasets", str(settings.DATASETS_DIR)],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            env=environment(),
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )

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


def environment() -> dict[str, str]:
    """What the trainer may know: no key, no database, no broker."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    own = {"HF_HOME": str(settings.DATA_DIR / "huggingface"), "TOKENIZERS_PARALLELISM": "false"}
    return {**own, **kept, "PYTHONUNBUFFERED": "1"}
