"""From the click on a run to its painted curve: a real Chromium opens the page of a run of a million points and more, again and again."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from dashboard.start.embedded import free_port
from scripts.bench.pixels import ARGUMENTS, CHROMIUM
from scripts.bench.place import Place
from scripts.bench.stack import ROOT, answers, wait_for

NAME = "paint"

# Keeps the moment at which the curve stood on the screen for the first time: a message comes after the frame that asked for it.
LISTEN = """
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { window.paintedAt ??= performance.now(); };
  document.addEventListener("painted", () => {
    const view = document.querySelector("live-chart")?.view;
    if (view?.store.curve("train/loss", 1)?.length) channel.port2.postMessage(0);
  });
"""
SIZES = """() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/v1/series"))
  .map(({ transferSize }) => transferSize)"""


class Web:
    """The web server alone, on the place's database."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"]
        environment = {**os.environ, "ANNEAL_DATA": str(folder), "ANNEAL_PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "dashboard.asgi:application", *options], cwd=ROOT, env=environment
        )
        wait_for(lambda: answers(f"{self.address}/sign-in/"))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def measure(place: Place, num_points: int, rounds: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    attempt, lease = place.attempt(num_steps=num_points)
    place.write(attempt, lease, num_points)
    web = Web(place.folder)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": name, "value": each.value, "url": web.address} for name, each in place.client.cookies.items()])
            context.add_init_script(LISTEN)
            page = context.new_page()
            found = [opened(page, f"{web.address}/runs/{attempt.job.run_id}/") for _ in range(rounds + 1)][1:]
            browser.close()
    finally:
        web.close()
    times = [each["painted_ms"] for each in found]
    return {"points": num_points, "painted_ms": statistics.median(times), "slowest_ms": max(times), "kb": max(each["kb"] for each in found)}


def opened(page: Any, address: str) -> dict[str, float]:
    """Milliseconds from the navigation's start; the largest answer with a curve, in thousands of bytes."""
    page.goto(address)
    painted: float = wait_for(lambda: page.evaluate("window.paintedAt ?? 0"))
    return {"painted_ms": painted, "kb": max(page.evaluate(SIZES)) / 1000}


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[1_000_000, 20_000_000])
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args(arguments)
    if CHROMIUM is None:
        sys.exit("no Chromium on the PATH")
    with Place() as place:
        return [measure(place, points, asked.rounds) for points in asked.points]
