"""What it costs to answer for a curve: one run of a million points and more, whole and zoomed, and 20 runs of 50,000 in one request.

Times are those of the whole request inside the server: session, rights, queries, thinning and bytes, without the network. Peers that are
installed in the environment of `--peers-python` hold the same points and are asked through their own servers.
"""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlencode

from scripts.bench.peers import ask_peers
from scripts.bench.place import LOSS, Place, timings

NAME = "series"
BINARY = {"accept": "application/octet-stream"}
MAX_POINTS = 2000  # as many as the page asks for
NUM_RUNS, POINTS_OF_EACH = 20, 50_000


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[1_000_000, 20_000_000])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--max-points", type=int, default=MAX_POINTS)
    parser.add_argument("--peers-python", help="of an environment with tensorboard, mlflow or trackio")
    asked = parser.parse_args(arguments)
    with Place() as place:
        rows = [*many_runs(place, asked), *(row for points in asked.points for row in one_run(place, points, asked))]
    return rows + (ask_peers(asked.peers_python, "series", asked.points[0]) if asked.peers_python else [])


def one_run(place: Place, num_points: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    before = place.size_bytes()
    attempt, lease = place.attempt(num_steps=num_points)
    place.write(attempt, lease, num_points)
    windows = {"whole": {}, **{f"1/{part} of it": window(num_points, part) for part in (3, 10, 1000)}}
    path, query = f"/api/v1/runs/{attempt.job.run_id}/series", {"metric": LOSS, "stage": 1, "max_points": asked.max_points}
    rows = [timed(place, f"{num_points:,} points, {name}", path, query | limits, asked.rounds) for name, limits in windows.items()]
    rows[0]["stored_bytes_per_point"] = (place.size_bytes() - before) / num_points
    return [*rows, timed(place, f"{num_points:,} points, as JSON", path, query, asked.rounds, {})]


def window(num_points: int, part: int) -> dict[str, int]:
    """Somewhere in the middle, at no round number."""
    first = int(num_points * 0.41) + 7
    return {"from": first, "to": first + num_points // part}


def many_runs(place: Place, asked: argparse.Namespace) -> list[dict[str, Any]]:
    runs = []
    for number in range(NUM_RUNS):
        attempt, lease = place.attempt(f"bench-{number}", POINTS_OF_EACH)
        place.write(attempt, lease, POINTS_OF_EACH, flush=7_777, seed=number)
        runs.append(attempt.job.run_id)
    query = {"run": runs, "metric": LOSS, "stage": 1, "max_points": asked.max_points}
    return [timed(place, f"{NUM_RUNS} runs x {POINTS_OF_EACH:,}", "/api/v1/series", query, asked.rounds)]


def timed(place: Place, case: str, path: str, query: dict[str, Any], rounds: int, headers: dict[str, str] = BINARY) -> dict[str, Any]:
    address = f"{path}?{urlencode(query, doseq=True)}"
    answer = place.client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content
    found = timings(lambda: place.client.get(address, headers=headers), rounds)
    return {"who": "anneal", "case": case, **found, "bytes": len(answer.content)}
