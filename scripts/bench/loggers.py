"""`python loggers.py NAME STEPS WORK_MS FOLDER`: logs so many steps of three metrics with one logger, and prints the cost of each call.

It runs in any Python that has the logger, so it imports nothing of this project except for our own. Times are as the loop sees them,
in nanoseconds; what a logger does after the loop is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Log = Callable[[int, dict[str, float]], object]
Close = Callable[[], object]
PAUSE_AFTER_S = 0.2


def ours(folder: Path) -> tuple[Log, Close]:
    from trainer.events import EventLog

    events = EventLog(folder)
    return lambda step, metrics: events.emit("stepped", stage=1, step=step, metrics=metrics), events.close


def tensorboard_writer(folder: Path) -> tuple[Log, Close]:
    """`torch.utils.tensorboard` is the same interface; it needs TensorBoard beside torch."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        from tensorboardX import SummaryWriter
    writer: Any = SummaryWriter(str(folder))

    def log(step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            writer.add_scalar(name, value, step)

    return log, writer.close


def mlflow(folder: Path, *, synchronous: bool) -> tuple[Log, Close]:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("bench")
    mlflow.start_run()
    return lambda step, metrics: mlflow.log_metrics(metrics, step=step, synchronous=synchronous), mlflow.end_run


def trackio(folder: Path) -> tuple[Log, Close]:
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    trackio.init(project="bench", embed=False)
    return lambda step, metrics: trackio.log(metrics, step=step), trackio.finish


def aim(folder: Path) -> tuple[Log, Close]:
    from aim import Run

    run = Run(repo=str(folder))

    def log(step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            run.track(value, name=name, step=step)

    return log, run.close


LOGGERS: dict[str, Callable[[Path], tuple[Log, Close]]] = {
    "anneal": ours,
    "tensorboard writer": tensorboard_writer,
    "mlflow": lambda folder: mlflow(folder, synchronous=True),
    "mlflow asynchronous": lambda folder: mlflow(folder, synchronous=False),
    "trackio": trackio,
    "aim": aim,
}


def spin(seconds: float) -> None:
    """Work of the loop: arithmetic that holds the interpreter, as Python code around a step does."""
    until = time.perf_counter() + seconds
    total = 0.0
    while time.perf_counter() < until:
        total += sum(range(200))


def timed(log: Log, steps: int, work_s: float) -> list[int]:
    clock, times = time.perf_counter_ns, []
    for step in range(1, steps + 1):
        if work_s:
            spin(work_s)
        metrics = {"train/loss": 4 / step, "train/learning_rate": 1e-4 * step, "train/grad_norm": 1.0 + 1 / step}
        began = clock()
        log(step, metrics)
        times.append(clock() - began)
    return times


def main() -> None:
    name, steps, work_ms, folder = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    log, close = LOGGERS[name](folder)
    timed(log, 20, 0)
    times = timed(log, steps, work_ms / 1000)
    time.sleep(PAUSE_AFTER_S)
    print("times", json.dumps(times), flush=True)
    close()


if __name__ == "__main__":
    main()
