"""A trainer without a network: `python -m scripts.bench.paced train FOLDER` writes steps at a pace, through the trainer's own event log.

The worker starts it like the trainer, and all that comes behind the events file is the real thing. `ANNEAL_BENCH_PACE` is the number of
steps a second, `ANNEAL_BENCH_BURST` how many of them are written at once.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path

from trainer.events import GRAD_NORM, LEARNING_RATE, LOSS, EventLog

PACE, BURST = float(os.environ.get("ANNEAL_BENCH_PACE", "50")), int(os.environ.get("ANNEAL_BENCH_BURST", "1"))
MACHINE = {"device": "cpu", "num_threads": 1, "num_parameters": 1, "num_trainable": 1}
stop = threading.Event()


def metrics(step: int) -> dict[str, float]:
    return {LOSS: 4 / math.sqrt(step) + 0.05 * math.sin(step), LEARNING_RATE: 1e-3, GRAD_NORM: 1 + 0.1 * math.sin(step / 7)}


def train(folder: Path, doorbell: int | None) -> int:
    job = json.loads((folder / "config.json").read_text())
    index, num_steps = job["index"], job["stage"]["steps"]
    events = EventLog(folder, doorbell)
    events.emit(
        "started",
        stage=index,
        num_steps=num_steps,
        first_step=1,
        resumed_from=None,
        device="cpu",
        num_threads=1,
        num_parameters=1,
        num_trainable=1,
    )
    began = time.monotonic()
    for first in range(1, num_steps + 1, BURST):
        if stop.wait(max(0.0, began + first / PACE - time.monotonic())):
            break
        for step in range(first, min(first + BURST, num_steps + 1)):
            events.emit("stepped", stage=index, step=step, metrics=metrics(step))
    events.close()
    stop.wait()
    return 0


def main() -> int:
    """Ends with the worker that holds its standard input, or when asked to."""
    words = sys.argv[1:]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    return train(Path(words[1]), int(words[words.index("--doorbell") + 1]) if "--doorbell" in words else None)


if __name__ == "__main__":
    sys.exit(main())
