"""The load test as a job: the table it writes, and that it ends and says so when it is stopped or its server goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.processes import descendants, free_port, processes, wait_for
from trainer.__main__ import main
from trainer.events import FILE_NAME
from trainer.triton.deployment import TABLE, costs, row
from trainer.triton.server import Server


def write_job(folder: Path, export: Path, **fields: Any) -> Path:
    folder.mkdir(exist_ok=True)
    job = {"export": str(export), "concurrencies": [1, 8], "seconds": 0.5, "hourly_price": 0.36, **fields}
    (folder / "config.json").write_text(json.dumps(job))
    return folder


def events_of(folder: Path) -> list[dict[str, Any]]:
    path = folder / FILE_NAME
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_point_is_told_as_it_was_seen() -> None:
    found = row([0.010] * 98 + [0.020, 0.030], Counter({"busy": 2}), 2.0, Counter({1: 10, 4: 30}))
    assert found["throughput_per_s"] == 50
    assert found["latency_ms_p50"] == pytest.approx(10)
    assert found["latency_ms_p99"] == pytest.approx(20.1)
    assert found["num_errors"] == 2
    assert found["batch_sizes"] == {"1": 10, "4": 30}
    assert found["mean_batch_size"] == pytest.approx(3.25)


def test_costs_follow_from_the_price_of_an_hour() -> None:
    told = costs(throughput_per_s=100, hourly_price=0.36, tokens_per_request=20)
    assert told["cost_per_1000_requests"] == pytest.approx(0.001)
    assert told["cost_per_million_tokens"] == pytest.approx(0.05)
    assert costs(100, 0.36, None)["cost_per_million_tokens"] is None
    assert set(costs(100, 0.0, 20).values()) == {None}


def test_the_table_has_a_row_for_each_protocol_and_concurrency(installed: None, export: Path, tmp_path: Path) -> None:
    folder = write_job(tmp_path / "job", export)
    assert main(["load-test", str(folder)]) == 0
    table = json.loads((folder / TABLE).read_text())
    assert [(each["protocol"], each["concurrency"]) for each in table["rows"]] == [("http", 1), ("http", 8), ("grpc", 1), ("grpc", 8)]
    for each in table["rows"]:
        assert each["num_requests"] > 0
        assert each["num_errors"] == 0
        assert 0 < each["latency_ms_p50"] <= each["latency_ms_p99"]
        assert each["cost_per_1000_requests"] == pytest.approx(0.36 / 3.6 / each["throughput_per_s"])
    assert set(table["rows"][0]["batch_sizes"]) == {"1"}
    assert any(int(size) > 1 for size in table["rows"][1]["batch_sizes"])
    assert "stand-in" in table["backend"]
    events = events_of(folder)
    assert [{name: event[name] for name in each} for event, each in zip(served(events), table["rows"], strict=True)] == table["rows"]
    assert events[-1]["kind"] == "finished"


def served(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["kind"] == "served"]


def test_a_server_that_runs_already_is_asked(server: Server, export: Path, tmp_path: Path) -> None:
    folder = write_job(tmp_path, export, http=server.http, grpc=server.grpc, concurrencies=[2], entrance="model")
    assert main(["load-test", str(folder)]) == 0
    table = json.loads((folder / TABLE).read_text())
    assert len(table["rows"]) == 2
    assert table["backend"] == "the server that was named"
    assert not (folder / "repository").exists()


def test_a_server_that_is_not_there_is_said(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = f"127.0.0.1:{free_port()}"
    assert main(["load-test", str(write_job(tmp_path, export, http=gone, grpc=gone))]) == 1
    last = events_of(tmp_path)[-1]
    assert last["kind"] == "failed"
    assert last["message"].startswith(f"Triton at {gone} does not answer over HTTP")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"concurrencies": [0]}, "concurrencies.0"),
        ({"concurrencies": [2, 2]}, "named once each"),
        ({"http": "127.0.0.1:8000"}, "both its addresses"),
        ({"hourly_price": -1}, "hourly_price"),
        ({"seconds": 0}, "seconds"),
    ],
)
def test_a_wrong_field_is_named(
    fields: dict[str, Any], message: str, export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load-test", str(write_job(tmp_path, export, **fields))]) == 2
    assert message in capsys.readouterr().err


class Running:
    """A load test in a process of its own that would go on for minutes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainer", "load-test", str(folder), "--lifeline"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.server = wait_for(self.loaded_server)

    def loaded_server(self) -> int:
        assert self.process.poll() is None
        if not any("at a time" in event.get("what", "") for event in events_of(self.folder)):
            return 0
        return next(pid for pid, command in descendants(self.process.pid).items() if "bin/tritonserver" in command)

    def wait(self) -> int:
        status = self.process.wait(60)
        assert self.process.stdin
        self.process.stdin.close()
        return status


@pytest.fixture
def running(installed: None, export: Path, tmp_path: Path) -> Running:
    return Running(write_job(tmp_path / "job", export, concurrencies=[4], seconds=300))


def test_a_killed_server_ends_the_job_and_is_said(running: Running) -> None:
    started = descendants(running.process.pid)
    os.kill(running.server, signal.SIGKILL)
    assert running.wait() == 1
    last = events_of(running.folder)[-1]
    assert last["kind"] == "failed"
    assert last["message"].startswith("Triton at 127.0.0.1:")
    assert "does not answer" in last["message"]
    assert last["reason"] == "server_failed"
    assert not started.keys() & processes().keys()


def test_a_stop_ends_it_at_once_with_its_server(running: Running) -> None:
    started = descendants(running.process.pid)
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == 3
    assert not started.keys() & processes().keys()
    assert events_of(running.folder)[-1]["kind"] != "failed"


def test_a_killed_job_leaves_no_server_behind(running: Running) -> None:
    started = descendants(running.process.pid)
    running.process.kill()
    running.wait()
    wait_for(lambda: not started.keys() & processes().keys())
