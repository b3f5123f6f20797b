"""How many points a second become durable and can be asked for: from an `events.jsonl` through the relay, and by the writer alone.

The relay's row has everything: reading and parsing lines, sorting them by metric, rows, heads, pyramid, the offset, the update of the
page, a commit every mebibyte. Wall time of each step is stored as well and is not counted. Afterwards every series is asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from pathlib import Path
from typing import Any

from scripts.bench.peers import ask_peers
from scripts.bench.place import LOSS, Place

NAME = "ingest"
METRICS = (LOSS, "train/learning_rate", "train/grad_norm")


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--steps", type=int, default=400_000, help="of three metrics each")
    parser.add_argument("--metrics", type=int, default=1_000, help="of a wide run, each with 200 points")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python", help="of an environment with tensorboard, mlflow or trackio")
    asked = parser.parse_args(arguments)
    wide = tuple(f"layer/{number}" for number in range(asked.metrics))
    with Place() as place:
        rows = [through_the_relay(place, METRICS, asked.steps) for _ in range(asked.rounds)]
        rows += [through_the_relay(place, wide, 200) for _ in range(asked.rounds)]
        rows += [by_the_writer(place, asked.steps) for _ in range(asked.rounds)]
    return rows + (ask_peers(asked.peers_python, "ingest", min(asked.steps, 20_000)) if asked.peers_python else [])


def write_events(path: Path, metrics: tuple[str, ...], num_steps: int) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        for step in range(1, num_steps + 1):
            values = {metric: math.sin(step + place) / (1 + place) for place, metric in enumerate(metrics)}
            event = {"seq": step, "at": 1.76e9 + step / 100, "kind": "stepped", "stage": 1, "step": step, "metrics": values}
            file.write(json.dumps(event, separators=(",", ":")) + "\n")


def through_the_relay(place: Place, metrics: tuple[str, ...], num_steps: int) -> dict[str, Any]:
    from trainer.events import FILE_NAME
    from workers.relay import Relay

    attempt, lease = place.attempt(num_steps=num_steps)
    write_events(attempt.folder / FILE_NAME, metrics, num_steps)
    began, processor = time.perf_counter(), time.process_time()
    Relay(lease, attempt).drain()
    return row(place, f"relay, {len(metrics):,} metrics", attempt, metrics, num_steps, began, processor)


def by_the_writer(place: Place, num_steps: int) -> dict[str, Any]:
    attempt, lease = place.attempt(num_steps=3 * num_steps)
    began, processor = time.perf_counter(), time.process_time()
    place.write(attempt, lease, 3 * num_steps, flush=10_000)
    return row(place, "writer alone", attempt, (LOSS,), 3 * num_steps, began, processor)


def row(place: Place, case: str, attempt: Any, metrics: tuple[str, ...], num_steps: int, began: float, processor: float) -> dict[str, Any]:
    wall, spent = time.perf_counter() - began, time.process_time() - processor
    query = {"metric": [*metrics[:3], metrics[-1]], "run": attempt.job.run_id, "stage": 1, "max_points": 100}
    found = place.client.get("/api/v1/series", query).json()["items"]
    assert all(item["num_points"] == num_steps for item in found)
    points = num_steps * len(metrics)
    return {
        "who": "anneal",
        "case": case,
        "points": points,
        "points_per_s": points / wall,
        "points_per_processor_s": points / spent,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
