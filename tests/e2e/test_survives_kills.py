"""kill -9 of the worker, the trainer and Valkey, each in the middle of stage 2: the run ends as if nothing had happened.

`ANNEAL_KILLS_RECIPE=sentiment-example` does the same to the example, which takes some minutes for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.processes import Anneal, wait_for
from trainer import recipes
from trainer.events import LEARNING_RATE, LOSS

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes through /proc")

RECIPE = os.environ.get("ANNEAL_KILLS_RECIPE", "")
NUM_STEPS, CHECKPOINT_INTERVAL = 600, 40
RUNS_AGAIN_WITHIN_S = 30
ENDS_WITHIN_S = 1800 if RECIPE else 180
VICTIMS = {"worker": ("-m workers",), "trainer": ("-m trainer", "train"), "valkey": ("valkey-server",)}
ALL_POINTS = 100_000


@dataclass(frozen=True)
class Result:
    """What must not depend on what happened on the way: every point of every stage, and the final weights."""

    series: dict[str, list[tuple[int, float]]]
    weights: str


@pytest.fixture(scope="module")
def anneal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anneal]:
    found = Anneal(tmp_path_factory.mktemp("anneal") / "var")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def undisturbed(anneal: Anneal) -> Result:
    run = submit(anneal, "undisturbed")
    finish(anneal, run)
    return result(anneal, run)


def wanted() -> dict[str, Any]:
    """The tiny recipe with a second stage long enough to be hit in its middle, or the recipe that was asked for."""
    document = recipes.load()[RECIPE or "sentiment-tiny"].config.model_dump(mode="json")
    document["quantization"] = None
    if not RECIPE:
        document["stages"][1] |= {"steps": NUM_STEPS, "checkpoint_interval": CHECKPOINT_INTERVAL, "validation_interval": 200}
        document["stages"][0]["steps"] = document["stages"][2]["steps"] = 10
    return document


def submit(anneal: Anneal, name: str) -> int:
    return int(anneal.ask("runs", {"config": wanted(), "name": name, "reuse": False})["id"])


def stages(anneal: Anneal, run: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = anneal.ask(f"runs/{run}/stages")["items"]
    return items


def finish(anneal: Anneal, run: int) -> None:
    status = wait_for(lambda: ended(anneal.ask(f"runs/{run}")["status"]), ENDS_WITHIN_S)
    assert status == "completed", stages(anneal, run)


def ended(status: str) -> str:
    return status if status in ("completed", "failed", "stopped") else ""


def result(anneal: Anneal, run: int) -> Result:
    numbers = range(1, len(wanted()["stages"]) + 1)
    return Result(
        {f"{metric} of stage {stage}": points(anneal, run, metric, stage) for metric in (LOSS, LEARNING_RATE) for stage in numbers},
        weights(anneal, run),
    )


def points(anneal: Anneal, run: int, metric: str, stage: int) -> list[tuple[int, float]]:
    series = anneal.ask(f"runs/{run}/series?metric={metric}&stage={stage}&max_points={ALL_POINTS}")
    assert not series["buckets"]
    return list(zip(series["step"], series["value"], strict=True))


def weights(anneal: Anneal, run: int) -> str:
    """Digest of the final weights of the last stage."""
    folder = anneal.folder / "runs" / str(run) / f"job-{len(wanted()['stages'])}"
    finished = [
        (log.parent, event) for log in folder.glob("attempt-*/events.jsonl") for event in events(log) if event["kind"] == "finished"
    ]
    assert len(finished) == 1
    attempt, event = finished[0]
    return hashlib.sha256((attempt / event["checkpoint"] / "model.safetensors").read_bytes()).hexdigest()


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


class Page(threading.Thread):
    """A page that stays open through it all until the run has ended, and notes the cursors it is told."""

    def __init__(self, anneal: Anneal, run: int) -> None:
        super().__init__(daemon=True)
        self.address = anneal.address.replace("http", "ws") + f"ws/runs/{run}/?after=0"
        self.origin, self.cookie = anneal.address.rstrip("/"), anneal.cookie
        self.cursors: list[int] = []
        self.status = ""

    def run(self) -> None:
        with connect(self.address, additional_headers={"Cookie": self.cookie}, origin=self.origin) as socket:
            while not ended(self.status):
                message = json.loads(socket.recv())
                if message["type"] == "update":
                    self.cursors.append(message["cursor"])
                    self.status = (message.get("run") or {}).get("status", self.status)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_run_survives_the_kill_of(victim: str, anneal: Anneal, undisturbed: Result) -> None:
    run = submit(anneal, f"without its {victim}")
    page = Page(anneal, run)
    page.start()
    in_the_middle = stages(anneal, run)[1]["num_steps"] // 3
    wait_for(lambda: stages(anneal, run)[1]["last_step"] >= in_the_middle, ENDS_WITHIN_S)
    anneal.kill(*VICTIMS[victim])
    if victim != "valkey":
        wait_for(lambda: stages(anneal, run)[1]["attempts"] == 2, RUNS_AGAIN_WITHIN_S)
    finish(anneal, run)
    survived = result(anneal, run)
    for name, expected in undisturbed.series.items():
        assert [step for step, _ in survived.series[name]] == list(range(1, len(expected) + 1)), name
    assert survived == undisturbed
    page.join(RUNS_AGAIN_WITHIN_S)
    assert page.cursors == list(range(1, len(page.cursors) + 1))
    assert page.status == "completed"
