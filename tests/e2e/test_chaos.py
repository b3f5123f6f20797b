"""Faults at random moments while a real page watches a real run: in the end the page has what the events files have, value by value.

A round is one run that meets every fault, in random order. `ANNEAL_CHAOS_ROUNDS=20` makes as many, `ANNEAL_CHAOS_SEED` repeats them.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.test_browser import ARGUMENTS, CHROMIUM, ask, sign_in
from tests.e2e.wire import Wire
from tests.processes import descendants, wait_for
from trainer import recipes
from trainer.events import LEARNING_RATE, LOSS, VALIDATION_LOSS, metrics_of, read_from

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: the chaos test did not run")

ROUNDS = int(os.environ.get("ANNEAL_CHAOS_ROUNDS", "1"))
SEED = int(os.environ.get("ANNEAL_CHAOS_SEED", "0")) or random.randrange(1, 10**6)
# Few enough to be drawn point by point, and slow enough to be hit five times.
STEPS, BATCH_SIZE = (100, 1700, 100), 128
FROZEN_S, CUT_S, PAUSE_S = 10, 4, 2
ENDS_WITHIN_S = 300
Curves = dict[str, dict[int, list[tuple[int, float]]]]


class Scene:
    """A whole installation, and a browser that reaches it over a wire that can be cut."""

    def __init__(self, folder: Path, playwright: Any) -> None:
        self.installation = Installation(folder)
        self.installation.start()
        self.wire = Wire(self.installation.port)
        self.wire.start()
        self.token = self.installation.token()
        self.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        self.page = self.browser.new_page(viewport={"width": 1440, "height": 900})
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.complaints: list[str] = []
        sign_in(self.page, self.installation)

    def close(self) -> None:
        self.browser.close()
        self.wire.stop()
        self.installation.stop()

    # --- faults ----------------------------------------------------------------------------------------------------------

    def web_restarts(self) -> None:
        web = self.installation.web
        assert web
        web.send_signal(signal.SIGTERM)
        web.wait(30)
        self.installation.start_web()

    def valkey_is_killed(self) -> None:
        self.installation.valkey.kill()
        time.sleep(1)
        self.installation.valkey.start()

    def relay_restarts(self) -> None:
        """The relay lives in the worker, and its trainer ends with it."""
        worker = self.installation.worker
        assert worker
        worker.kill()
        worker.wait()
        self.installation.start_worker()

    def tab_is_frozen(self) -> None:
        """The processes of its pages stand still; the browser around them, which receives for them, does not."""
        renderers = [pid for pid, command in descendants(os.getpid()).items() if "--type=renderer" in command]
        assert renderers
        for number, wait_s in ((signal.SIGSTOP, FROZEN_S), (signal.SIGCONT, 0)):
            for pid in renderers:
                os.kill(pid, number)
            time.sleep(wait_s)

    def network_is_cut(self) -> None:
        self.wire.cut()
        time.sleep(CUT_S)
        self.wire.mend()


FAULTS: dict[str, Callable[[Scene], None]] = {
    "web restart": Scene.web_restarts,
    "Valkey killed": Scene.valkey_is_killed,
    "relay restart": Scene.relay_restarts,
    "frozen tab": Scene.tab_is_frozen,
    "network cut": Scene.network_is_cut,
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = Scene(tmp_path_factory.mktemp("anneal"), playwright)
        yield found
        found.close()


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_the_page_ends_with_what_the_events_files_have(seed: int, scene: Scene) -> None:
    chance = random.Random(seed)
    run = submit(scene, f"chaos {seed}")
    scene.page.goto(f"http://127.0.0.1:{scene.wire.port}/runs/{run}/")
    for fault in chance.sample(list(FAULTS), len(FAULTS)):
        wait_for(lambda: is_training(scene, run), ENDS_WITHIN_S)
        time.sleep(chance.uniform(0, PAUSE_S))
        FAULTS[fault](scene)
    wait_for(lambda: status_of(scene, run) == "completed", ENDS_WITHIN_S)
    written = from_files(scene, run)
    wait_for(lambda: newest_step(scene) == STEPS[-1], 30)
    drawn = shown(scene)
    assert set(drawn) >= {LOSS, LEARNING_RATE, VALIDATION_LOSS}
    expected = {metric: written[metric] for metric in drawn}
    assert {metric: counts(curves) for metric, curves in drawn.items()} == {metric: counts(curves) for metric, curves in expected.items()}
    assert drawn == expected
    assert scene.complaints == []


def submit(scene: Scene, name: str) -> int:
    document = recipes.load()["sentiment-tiny"].config.model_dump(mode="json")
    document["quantization"] = None
    for stage, steps in zip(document["stages"], STEPS, strict=True):
        stage |= {"steps": steps, "batch_size": BATCH_SIZE, "checkpoint_interval": 100, "validation_interval": 100}
    body = json.dumps({"config": document, "name": name, "reuse": False}).encode()
    return int(ask(scene.installation, scene.token, "/runs", body)["id"])


def status_of(scene: Scene, run: int) -> str:
    return str(ask(scene.installation, scene.token, f"/runs/{run}")["status"])


def is_training(scene: Scene, run: int) -> bool:
    stages = ask(scene.installation, scene.token, f"/runs/{run}/stages")["items"]
    assert any(each["status"] != "completed" for each in stages), "the run ended before it met every fault"
    return any(each["status"] == "running" and each["last_step"] for each in stages)


def from_files(scene: Scene, run: int) -> Curves:
    """Every point of every metric as the trainers wrote them; of a step that was made twice the later attempt's."""
    found: Curves = {}
    for file in sorted((scene.installation.folder / "runs" / str(run)).glob("job-*/attempt-*/events.jsonl"), key=by_attempt):
        events, _ = read_from(file, 0)
        first = min((event["first_step"] for event in events if event["kind"] == "started"), default=math.inf)
        stage = int(file.parent.parent.name.removeprefix("job-"))
        for curves in found.values():
            curves[stage] = [point for point in curves.get(stage, []) if point[0] < first]
        for event in events:
            if event["kind"] in ("stepped", "evaluated"):
                for metric, value in metrics_of(event):
                    found.setdefault(metric, {}).setdefault(stage, []).append((event["step"], value))
    return {metric: {stage: points for stage, points in curves.items() if points} for metric, curves in found.items()}


def by_attempt(file: Path) -> tuple[int, int]:
    return int(file.parent.parent.name.removeprefix("job-")), int(file.parent.name.removeprefix("attempt-"))


def shown(scene: Scene) -> Curves:
    """What the page's own store holds of the metrics that have come into view: each one's points by stage."""
    found = scene.page.evaluate(
        """() => {
          const { metrics } = document.querySelector("live-chart").view.store;
          const points = (curve) => Array.from(curve.step, (step, i) => [step, curve.value[i]]);
          const stages = ({ curves }) => [...curves].map(([stage, curve]) => [stage, points(curve)]);
          const read = [...metrics].filter(([metric, series]) => series.state === "read" && !metric.startsWith("progress/"));
          return read.map(([metric, series]) => [metric, stages(series)]);
        }"""
    )
    return {metric: {stage: [(step, value) for step, value in points] for stage, points in curves if points} for metric, curves in found}


def counts(curves: dict[int, list[tuple[int, float]]]) -> dict[int, int]:
    return {stage: len(points) for stage, points in curves.items()}


def newest_step(scene: Scene) -> int:
    return int(scene.page.evaluate("() => document.querySelector('live-chart').view.store.stages.at(-1).last_step"))
