"""From the trainer's call to the painted pixel: 50 points a second in a real Chromium, while other pages watch the same run."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from typing import Any

import psutil

from scripts.bench.stack import ROOT, Stack, wait_for

NAME = "pixels"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WARM_UP_S = 3.0

# Notes the age of each point when the frame that first shows it has been painted: a message comes after the frame that asked for it.
# The page reads the clock of the steps only where it is an axis; here it keeps what comes from now on.
LISTEN = """() => {
  const { store } = document.querySelector("live-chart").view;
  store.loadNothing("progress/wall", store.cursor);
  const channel = new MessageChannel();
  window.ages = [];
  let seen = 0;
  channel.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    const curve = store.curve("progress/wall", 1);
    for (; seen < curve.length; seen += 1) window.ages.push(now - 1000 * curve.value[seen]);
  };
  document.addEventListener("painted", () => channel.port2.postMessage(0));
}"""


def measure(watchers: int, seconds: float, pace: float) -> dict[str, Any]:
    """`watchers` counts the browser's page too."""
    from playwright.sync_api import sync_playwright

    with Stack(pace) as stack, sync_playwright() as playwright:
        run = stack.submit(10**6)
        others = crowd(stack, run, watchers - 1)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        open_run(page, stack, run)
        time.sleep(WARM_UP_S)
        page.evaluate(LISTEN)
        before, began = processor_s(stack), time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        share = {name: (after - before[name]) / (time.monotonic() - began) for name, after in processor_s(stack).items()}
        ages = page.evaluate("window.ages")
        browser.close()
        there = leave(others)
        memory = psutil.Process(stack.web.pid).memory_info().rss / 2**20
    return row(watchers, ages, pace * seconds) | {
        "web_cores": share["web"],
        "worker_cores": share["worker"],
        "web_mib": memory,
        "still_there": there,
    }


def row(watchers: int, ages: list[float], expected: float) -> dict[str, Any]:
    cuts = statistics.quantiles(ages, n=100)
    return {
        "watchers": watchers,
        "points": len(ages),
        "expected": expected,
        "p50_ms": cuts[49],
        "p90_ms": cuts[89],
        "p99_ms": cuts[98],
        "max_ms": max(ages),
    }


def open_run(page: Any, stack: Stack, run: int) -> None:
    page.goto(f"{stack.address}/runs/{run}/")
    page.fill("#id_username", stack.login[0])
    page.fill("#id_password", stack.login[1])
    page.click("form button.main")
    wait_for(lambda: page.evaluate("() => document.querySelector('live-chart')?.view?.now > 0"))


def crowd(stack: Stack, run: int, number: int) -> subprocess.Popen[str] | None:
    if number < 1:
        return None
    cursor = stack.ask(f"runs/{run}/series?metric=train/loss&max_points=2")["cursor"]
    url = f"ws://127.0.0.1:{stack.port}/ws/runs/{run}/?after={cursor}&format=binary"
    command = [sys.executable, "-m", "scripts.bench.crowd", url, str(number)]
    environment = {**os.environ, "COOKIE": stack.cookie()}
    found = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if found.stdout is None or found.stdout.readline().strip() != "joined":
        sys.exit("the crowd could not join")
    return found


def leave(others: subprocess.Popen[str] | None) -> int:
    """Returns how many of them were still watching."""
    return int(others.communicate("")[0].split()[0]) if others else 0


def processor_s(stack: Stack) -> dict[str, float]:
    found = {"web": stack.web, "worker": stack.worker}
    return {name: sum(psutil.Process(process.pid).cpu_times()[:2]) for name, process in found.items()}


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--watchers", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pace", type=float, default=50, help="points a second")
    asked = parser.parse_args(arguments)
    if CHROMIUM is None:
        sys.exit("no Chromium on the PATH")
    return [measure(watchers, asked.seconds, asked.pace) for watchers in asked.watchers]


if __name__ == "__main__":
    for each in main(sys.argv[1:]):
        print({name: round(value, 3) if isinstance(value, float) else value for name, value in each.items()})
