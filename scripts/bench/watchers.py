"""What watchers cost the web process, and how long a point takes from the trainer's call to their sockets; a burst loses nothing.

Worker, relay, database, stream, web server and sockets are the real ones; the trainer writes through the real event log at a set pace.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from scripts.bench.stack import ROOT, Stack, wait_for

NAME = "watchers"
WARM_UP_S = 3.0
WALL = "progress/wall"


@dataclass(frozen=True)
class Heard:
    """The frames of one socket, the cursors and their times of all, how many messages that took and how many were lost."""

    frames: bytes
    moments: list[tuple[np.ndarray, np.ndarray]]
    num_messages: int
    num_lost: int


class Listeners:
    """A process with so many sockets on a run."""

    def __init__(self, stack: Stack, run: int, number: int, after: int) -> None:
        url = f"ws://127.0.0.1:{stack.port}/ws/runs/{run}/?after={after}&format=binary"
        command = [sys.executable, "-m", "scripts.bench.listeners", url, str(number)]
        environment = {**os.environ, "COOKIE": stack.cookie()}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout is None or self.process.stdout.readline() != b"joined\n":
            raise RuntimeError("the listeners did not join")

    def end(self) -> Heard:
        with np.load(io.BytesIO(self.process.communicate()[0])) as found:
            counts = found["counts"]
            moments = [(found[f"cursors-{place}"], found[f"times-{place}"]) for place in range(len(counts))]
            return Heard(found["frames"].tobytes(), moments, int(np.median(counts[:, 0])), int(counts[:, 1].sum()))


def measure(watchers: int, seconds: float, pace: float, burst: int = 1) -> dict[str, Any]:
    with Stack(pace, burst) as stack:
        run = stack.submit(10**7)
        cursor = stack.ask(f"runs/{run}/series?metric=train/loss&max_points=2")["cursor"]
        listeners = Listeners(stack, run, watchers, cursor)
        time.sleep(WARM_UP_S)
        before, began, wall = processor_s(stack), time.monotonic(), time.time()
        time.sleep(seconds)
        took, until = time.monotonic() - began, time.time()
        cores = {f"{name}_cores": (after - before[name]) / took for name, after in processor_s(stack).items()}
        memory = psutil.Process(stack.web.pid).memory_info().rss / 2**20
        heard = listeners.end()
    return {"watchers": watchers, "pace": pace, **delays(heard, wall, until), **cores, "web_mib": memory}


def delays(heard: Heard, since: float, until: float) -> dict[str, Any]:
    """Over every point that was made in this time, and every socket."""
    from dashboard.live.frames import decode

    made = {update.cursor: points.values for update in decode(heard.frames) for points in update.points if points.metric == WALL}
    found = []
    for cursors, times in heard.moments:
        if not np.array_equal(cursors, np.arange(cursors[0], cursors[0] + len(cursors))):
            raise RuntimeError("a cursor is missing, or came twice")
        for cursor, at in zip(cursors.tolist(), times.tolist(), strict=True):
            walls = made.get(cursor, np.empty(0))
            found.append(1000 * (at - walls[(walls >= since) & (walls < until)]))
    ages = np.concatenate(found)
    cuts = dict(zip(("p50_ms", "p90_ms", "p99_ms", "max_ms"), np.percentile(ages, [50, 90, 99, 100]).tolist(), strict=True))
    return {"points": len(ages) // len(heard.moments), **cuts, "messages": heard.num_messages, "lost": heard.num_lost}


def burst(watchers: int, seconds: float, pace: float) -> dict[str, Any]:
    """A run of so many steps a second, to its end: what a socket got is compared with the events file, value by value."""
    num_steps = int(seconds * pace)
    with Stack(pace, max(int(pace // 100), 1)) as stack:
        stack.worker.send_signal(signal.SIGSTOP)  # until all have joined
        run = stack.queue(num_steps)
        listeners = Listeners(stack, run, watchers, 0)
        stack.worker.send_signal(signal.SIGCONT)
        wait_for(lambda: stack.ask(f"runs/{run}/stages")["items"][0]["last_step"] == num_steps)
        ended = time.time()
        time.sleep(2)
        memory = psutil.Process(stack.web.pid).memory_info().rss / 2**20
        heard = listeners.end()
        (file,) = stack.folder.glob("runs/*/job-1/attempt-1/events.jsonl")
        written = written_in(file)
    got = points_of(heard.frames)
    same = all(np.array_equal(got[metric], column, equal_nan=True) for metric, column in written.items())
    made, heard_of = (sum(map(len, each.values())) for each in (written, got))
    began, last = written[WALL][[0, -1], 1].tolist()
    return {
        "watchers": watchers,
        "pace": pace,
        "points": made,
        "points_heard": heard_of,
        "same": same,
        "made_in_s": last - began,
        "behind_s": max(ended - last, 0),
        "web_mib": memory,
    }


def written_in(file: Path) -> dict[str, np.ndarray]:
    found: dict[str, list[tuple[float, float]]] = {}
    with file.open() as lines:
        for event in map(json.loads, lines):
            if event["kind"] == "stepped":
                for metric, value in {**event["metrics"], WALL: event["at"]}.items():
                    found.setdefault(metric, []).append((event["step"], float(value)))
    return {metric: np.array(points) for metric, points in found.items()}


def points_of(frames: bytes) -> dict[str, np.ndarray]:
    from dashboard.live.frames import decode

    found: dict[str, list[np.ndarray]] = {}
    for update in decode(frames):
        for points in update.points:
            found.setdefault(points.metric, []).append(np.column_stack([points.steps, points.values]))
    return {metric: np.concatenate(parts) for metric, parts in found.items()}


def processor_s(stack: Stack) -> dict[str, float]:
    found = {"web": stack.web, "worker": stack.worker, "valkey": stack.processes[0]}
    return {name: sum(psutil.Process(process.pid).cpu_times()[:2]) for name, process in found.items()}


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--watchers", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pace", type=float, default=50, help="points a second")
    parser.add_argument("--burst", type=float, default=10_000, help="points a second of a run that is compared value by value; 0: none")
    asked = parser.parse_args(arguments)
    rows = [measure(watchers, asked.seconds, asked.pace) for watchers in asked.watchers]
    return rows + ([burst(10, 10, asked.burst)] if asked.burst else [])


if __name__ == "__main__":
    for each in main(sys.argv[1:]):
        print({name: round(value, 3) if isinstance(value, float) else value for name, value in each.items()})
