"""Runs in the environment of a peer, with nothing of Anneal: `peer_scripts.py PEER TASK NUMBER` prints its rows as one line of JSON.

Tasks are `series` (NUMBER points of one metric, asked for through the peer's own server), `ingest` (NUMBER steps of three metrics) and
`listing` (NUMBER runs, the first page). A pair that is not there prints no rows.
"""

from __future__ import annotations

import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOSS = "train/loss"
METRICS = (LOSS, "train/learning_rate", "train/grad_norm")
ROUNDS, PATIENCE_S = 7, 300
Rows = list[dict[str, Any]]


def values(number: int) -> Iterator[tuple[int, float]]:
    return ((step, math.sin(step) / math.sqrt(step)) for step in range(1, number + 1))


@contextmanager
def server(*command: str) -> Iterator[None]:
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def fetch(address: str, body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        content: bytes = answer.read()
    return content


def wait_for(found: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found():
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.2)
    raise TimeoutError("the peer's server did not answer")


def timed(case: str, work: Callable[[], bytes]) -> dict[str, Any]:
    size, times = len(work()), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return {"case": case, "ms": statistics.median(times), "slowest_ms": max(times), "bytes": size}


def ingested(case: str, points: int, work: Callable[[], None]) -> Rows:
    began, spent = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - began, time.process_time() - spent
    return [{"case": case, "points": points, "points_per_s": points / wall, "points_per_processor_s": points / processor}]


# --- TensorBoard -------------------------------------------------------------------------------------------------------


def write_summaries(folder: Path, metrics: tuple[str, ...], number: int) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder / "run"))
    for step, value in values(number):
        summary = Summary(value=[Summary.Value(tag=metric, simple_value=value) for metric in metrics])
        writer.add_event(Event(wall_time=1.76e9 + step / 100, step=step, summary=summary))
    writer.close()


def tensorboard_series(number: int, folder: Path) -> Rows:
    """It keeps 1,000 points, drawn by chance."""
    write_summaries(folder, (LOSS,), number)
    port = free_port()
    address = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run=run&tag={urllib.parse.quote(LOSS, safe='')}"
    with server(sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port), "--host", "127.0.0.1"):
        wait_for(lambda: json.loads(fetch(address))[-1][1] == number)
        return [timed(f"{number:,} points, 1,000 of them kept", lambda: fetch(address))]


def tensorboard_ingest(number: int, folder: Path) -> Rows:
    """Written to its file; whether a server has read it is not waited for."""
    return ingested("event file", 3 * number, lambda: write_summaries(folder, METRICS, number))


# --- MLflow ------------------------------------------------------------------------------------------------------------


def mlflow_client(folder: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")


def log_batches(client: Any, run_id: str, metrics: tuple[str, ...], number: int) -> None:
    from mlflow.entities import Metric

    batch = []
    for step, value in values(number):
        batch += [Metric(metric, value, 1_760_000_000_000 + step, step) for metric in metrics]
        if len(batch) + len(metrics) > 1000 or step == number:
            client.log_batch(run_id, metrics=batch)
            batch = []


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    port = free_port()
    place = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with server(sys.executable, "-m", "mlflow", "server", *place):
        wait_for(lambda: fetch(f"http://127.0.0.1:{port}/health"))
        yield f"http://127.0.0.1:{port}"


def mlflow_series(number: int, folder: Path) -> Rows:
    """As its page asks: some points of the whole, and the whole history."""
    client = mlflow_client(folder)
    run_id = client.create_run(client.create_experiment("bench")).info.run_id
    log_batches(client, run_id, (LOSS,), number)
    query = urllib.parse.urlencode({"run_ids": run_id, "metric_key": LOSS, "max_results": 320})
    with mlflow_server(folder) as address:
        asked = f"{address}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{query}"
        return [timed(f"{number:,} points, 320 of them sent", lambda: fetch(asked))]


def mlflow_ingest(number: int, folder: Path) -> Rows:
    client = mlflow_client(folder)
    run_id = client.create_run(client.create_experiment("bench")).info.run_id
    return ingested("log_batch into SQLite", 3 * number, lambda: log_batches(client, run_id, METRICS, number))


def mlflow_listing(number: int, folder: Path) -> Rows:
    client = mlflow_client(folder)
    experiment = client.create_experiment("bench")
    for _ in range(number):
        log_batches(client, client.create_run(experiment).info.run_id, METRICS, 3)
    with mlflow_server(folder) as address:
        body = {"experiment_ids": [experiment], "max_results": 25}
        return [timed(f"{number:,} runs, 25 of them", lambda: fetch(f"{address}/api/2.0/mlflow/runs/search", body))]


# --- Trackio -----------------------------------------------------------------------------------------------------------


def log_to_trackio(metrics: tuple[str, ...], number: int) -> None:
    from trackio.sqlite_storage import SQLiteStorage

    for first in range(1, number + 1, 10_000):
        steps = list(range(first, min(first + 10_000, number + 1)))
        SQLiteStorage.bulk_log("bench", "run", [dict.fromkeys(metrics, math.sin(step)) for step in steps], steps=steps)


def trackio_series(number: int, folder: Path) -> Rows:
    """By the function that its server calls, and as JSON."""
    from trackio.sqlite_storage import SQLiteStorage

    log_to_trackio((LOSS,), number)
    return [timed(f"{number:,} points, its storage's get_logs", lambda: json.dumps(SQLiteStorage.get_logs("bench", "run")).encode())]


def trackio_ingest(number: int, folder: Path) -> Rows:
    return ingested("bulk_log into SQLite", 3 * number, lambda: log_to_trackio(METRICS, number))


def main(peer: str, task: str, number: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TRACKIO_DIR": folder, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        work = globals().get(f"{peer}_{task}")
        rows = work(int(number), Path(folder)) if work else []
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
