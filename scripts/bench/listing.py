"""What the list of runs costs with 10 and with 10,000 runs: its page and the API's, time and number of queries.

Every run has three stages, attempts, 300 points of loss, validations and a log of events, as the list shows them.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

import numpy as np

from scripts.bench.peers import ask_peers
from scripts.bench.place import LOSS, Place, timings

NAME = "listing"
PATHS = ("/runs/", "/runs/?page=2", "/runs/?q=bench-7", "/api/v1/runs?limit=25", "/api/v1/runs?limit=25&offset=9975", "/")
FIELDS = {"num_steps": 300, "last_step": 300, "status": "completed"}


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers-python", help="of an environment with mlflow or trackio")
    asked = parser.parse_args(arguments)
    rows, made = [], 0
    with Place() as place:
        for number in sorted(asked.runs):
            make_runs(place, made, number)
            made = number
            rows += [timed(place, f"{number:,} runs, {path}", path, asked.rounds) for path in PATHS]
    return rows + (ask_peers(asked.peers_python, "listing", 2000) if asked.peers_python else [])


def make_runs(place: Place, start: int, stop: int) -> None:
    """As they would have been trained, written at once."""
    from django.db import transaction
    from django.utils import timezone

    from dashboard.live.messages import Update
    from dashboard.metrics.writing import Writer
    from dashboard.runs.models import Attempt, Event, Run, Stage
    from trainer import recipes

    config = recipes.load()["sentiment-tiny"].config.model_dump(mode="json")
    began, steps = timezone.now() - timedelta(days=9), np.arange(1, 301)
    for first in range(start, stop, 500):
        with transaction.atomic():
            for number in range(first, min(first + 500, stop)):
                fields = {"owner": place.user, "recipe": "sentiment-tiny", "config": config, "status": "completed", "cursor": 9}
                run = Run.objects.create(
                    project=place.project, number=number + 1, name=f"bench-{number}", started_at=began, ended_at=began, **fields
                )
                for index in (1, 2, 3):
                    stage = Stage.objects.create(run=run, position=index, index=index, name="Bench", **FIELDS)
                    ends = {"lease_until": began, "ended_at": began, "last_point_at": began, "outcome": "completed"}
                    attempt = Attempt.objects.create(job=stage, number=1, started_at=began, first_step=1, last_step=300, **ends)
                    Writer(attempt).write(Update(run.pk, index), {LOSS: (steps, 2 / np.sqrt(steps + 300 * index))})
                    told = {"split": "validation", "metrics": {"validation/accuracy": 0.7}}
                    Event.objects.create(run=run, attempt=attempt, cursor=index, kind="evaluated", step=300, at=began, data=told)


def timed(place: Place, case: str, path: str, rounds: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    answer = place.client.get(path)
    assert answer.status_code == 200, answer.content
    found = timings(lambda: place.client.get(path), rounds)
    with CaptureQueriesContext(connection) as queries:
        place.client.get(path)
    return {"who": "anneal", "case": case, **found, "bytes": len(answer.content), "queries": len(queries)}
