"""From the click to the painted answer in a real Chromium, and twenty people who ask at the same moment.

`--trained FOLDER` is what `python -m trainer train` filled with the example recipe, `--quantized FOLDER` what `quantize` made of it;
without them the example is trained and quantized first, which takes a while.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from scripts.bench.pixels import ARGUMENTS, CHROMIUM
from scripts.bench.stack import ROOT, Stack
from scripts.bench.trained import quantize, train

NAME = "playground"
EXAMPLE = ROOT / "dashboard" / "static" / "examples" / "101.jpg"
NUM_WARM = 5
NUM_PEOPLE = 20

# Resolves to the milliseconds from the click until the frame that shows the last column's answer has been painted: a message comes
# after the frame that asked for it.
MEASURE = """(text) => new Promise((done) => {
  const parts = [...document.querySelectorAll("[data-verdict]")];
  const open = new Set(parts);
  const channel = new MessageChannel();
  let began = 0;
  channel.port1.onmessage = () => done(performance.now() - began);
  const observer = new MutationObserver((changes) => {
    for (const { target } of changes) if (target.querySelector("[data-answer]")) open.delete(target);
    if (open.size) return;
    observer.disconnect();
    requestAnimationFrame(() => channel.port2.postMessage(0));
  });
  for (const part of parts) observer.observe(part, { childList: true });
  const form = document.getElementById("ask");
  form.elements.text.value = text;
  began = performance.now();
  form.querySelector("[data-predict]").click();
})"""
EXPLAINED = "() => [...document.querySelectorAll('[data-explaining]')].every((part) => part.hidden)"


class Served(Stack):
    """With a worker that answers, instead of one that keeps a pace."""

    worker_module = "workers"


def clicks(stack: Stack, models: list[str], count: int, *, waits: bool) -> list[float]:
    """Returns milliseconds by click; the first ones, which load the models, are left out. `waits`: the next click comes when the
    explanation of the last one stands there too."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{stack.address}/sign-in/")
        page.fill("#id_username", stack.login[0])
        page.fill("#id_password", stack.login[1])
        page.click("form button.main")
        page.goto(f"{stack.address}/playground/?models={','.join(models)}")
        page.set_input_files("#image", EXAMPLE)
        found = []
        for number in range(NUM_WARM + count):
            found.append(page.evaluate(MEASURE, f"What a lovely day number {number}, but I waited in the rain."))
            if waits or number < NUM_WARM:
                page.wait_for_function(EXPLAINED, timeout=60_000)
        browser.close()
    return found[NUM_WARM:]


def together(stack: Stack, run: int) -> list[float]:
    """Returns how long each of twenty people waited, in milliseconds. Raises what a request raises: none may be lost."""
    took_ms: list[float] = []
    gate = threading.Barrier(NUM_PEOPLE)

    def person(number: int) -> None:
        request = prediction(stack, run, f"Person {number} says hello.")
        gate.wait()
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["class"]
        took_ms.append(1000 * (time.perf_counter() - began))

    people = [threading.Thread(target=person, args=(number,)) for number in range(NUM_PEOPLE)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert len(took_ms) == NUM_PEOPLE, f"{NUM_PEOPLE - len(took_ms)} of {NUM_PEOPLE} got no answer"
    return took_ms


def prediction(stack: Stack, run: int, text: str) -> urllib.request.Request:
    boundary = uuid.uuid4().hex
    fields = {'"model"': str(run).encode(), '"text"': text.encode(), '"image"; filename="a.jpg"': EXAMPLE.read_bytes()}
    parts = [
        f"--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\r\n".encode() + value + b"\r\n" for name, value in fields.items()
    ]
    headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return urllib.request.Request(
        f"{stack.address}/api/v1/playground/predictions", b"".join(parts) + f"--{boundary}--\r\n".encode(), headers
    )


def row(what: str, took_ms: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(took_ms, n=100)
    return {"what": what, "count": len(took_ms), "p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "max_ms": max(took_ms)}


def measure(trained: Path, quantized: Path, count: int) -> list[dict[str, Any]]:
    with Served() as stack:
        run = int(stack.output("-m", "scripts.bench.planting", "example", str(trained), str(quantized)))
        items = stack.ask(f"playground/models?run={run}")["items"]
        fp32 = next(each["key"] for each in items if each["is_last"] and each["precision"] == "fp32")
        int8 = next(each["key"] for each in items if each["precision"] == "int8")
        return [
            row("INT8", clicks(stack, [int8], count, waits=True)),
            row("FP32", clicks(stack, [fp32], count, waits=True)),
            row("FP32 and INT8", clicks(stack, [fp32, int8], count, waits=True)),
            row("FP32 and INT8, while the last is explained", clicks(stack, [fp32, int8], count, waits=False)),
            row("20 people at once, FP32", together(stack, run)),
        ]


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench playground", description=__doc__)
    parser.add_argument("--trained", type=Path)
    parser.add_argument("--quantized", type=Path)
    parser.add_argument("--count", type=int, default=200, help="clicks that are measured (default: %(default)s)")
    options = parser.parse_args(arguments)
    if CHROMIUM is None:
        sys.exit("no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        trained = options.trained or train(Path(folder) / "trained")
        quantized = options.quantized or quantize(trained, Path(folder) / "quantized")
        return measure(trained, quantized, options.count)
