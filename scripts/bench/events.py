"""What logging a step of three metrics costs the training loop, beside the writers of TensorBoard, MLflow, Trackio and Aim, in turn."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

NAME = "events"
ROOT = Path(__file__).resolve().parents[2]
OWN = ("anneal", "tensorboard writer")
PEERS = ("trackio", "aim", "mlflow asynchronous", "mlflow")
# One that takes long is given fewer steps.
FEWER = {"aim": 10, "mlflow asynchronous": 20, "mlflow": 100}
PATIENCE_S = 300


def measure(python: str, name: str, steps: int, work_ms: float) -> dict[str, Any] | None:
    """None where this Python does not have the logger."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            python,
            str(ROOT / "scripts" / "bench" / "loggers.py"),
            name,
            str(max(steps // FEWER.get(name, 1), 50)),
            str(work_ms),
            folder,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "GIT_PYTHON_REFRESH": "quiet"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("times ")), None)
    if line is None:
        print(f"{name} is left out: {(done.stderr.splitlines() or ['no reason given'])[-1]}", file=sys.stderr)
        return None
    times = np.array(json.loads(line.removeprefix("times "))) / 1000
    p50, p99 = np.percentile(times, [50, 99]).tolist()
    return {"logger": name, "work_ms": work_ms, "steps": len(times), "mean_us": float(times.mean()), "p50_us": p50, "p99_us": p99}


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--work-ms", type=float, nargs="+", default=[0, 1], help="what the loop does between two steps; 0: nothing")
    parser.add_argument("--peers-python", help="a Python that has mlflow, trackio and aim, or some of them")
    asked = parser.parse_args(arguments)
    rows = []
    for work_ms in asked.work_ms:
        field = [(sys.executable, name) for name in OWN] + [(asked.peers_python, name) for name in PEERS if asked.peers_python]
        found = [row for python, name in field if (row := measure(python, name, asked.steps, work_ms))]
        own = found[0]["mean_us"]
        rows += [row | {"times_ours": row["mean_us"] / own} for row in found]
    return rows


if __name__ == "__main__":
    for each in main(sys.argv[1:]):
        print({name: round(value, 2) if isinstance(value, float) else value for name, value in each.items()})
