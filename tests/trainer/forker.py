"""Makes attempts at trainings and lets them die at a set moment: one line of JSON in, the exit status out.

The libraries are loaded once; every attempt is a process of its own that a real signal ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from trainer import checkpoint, loop
from trainer.__main__ import main
from trainer.families import image_text


def arm(number: int, where: str, at: int) -> None:
    """Sends the signal right after step `at` is made, after its checkpoint is written under its other name, or amid the last test."""
    owner, name = {"step": (loop.Training, "train_step"), "save": (checkpoint, "write_manifest"), "test": (image_text, "evaluate")}[where]
    is_due: Callable[..., bool] = {
        "step": lambda training: training.step == at,
        "save": lambda folder: folder.name.endswith(f"-{at:06d}.partial"),
        "test": lambda *arguments: arguments[-1] == "test",
    }[where]
    kept = getattr(owner, name)

    def armed(*arguments: Any, **named: Any) -> Any:
        answer = kept(*arguments, **named)
        if is_due(*arguments):
            os.kill(os.getpid(), number)
        return answer

    setattr(owner, name, armed)


def attempt(order: dict[str, Any]) -> int:
    if order["death"]:
        arm(*order["death"])
    return main(order["arguments"])


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(2, 1)
            os._exit(attempt(json.loads(line)))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
