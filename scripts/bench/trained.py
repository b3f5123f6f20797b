"""The example, trained and quantized by the trainer's own verbs, for benchmarks that need a real model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from scripts.bench.stack import ROOT

RECIPE = "sentiment-example"


def train(folder: Path) -> Path:
    from trainer import recipes

    config = recipes.load()[RECIPE].config.model_dump(mode="json")
    run("train", folder, config)
    return folder


def quantize(trained: Path, folder: Path) -> Path:
    from trainer import checkpoint

    config = json.loads((trained / "config.json").read_text())
    task = next(task for task in config["stages"][-1]["tasks"] if task["kind"] == "sentiment")
    job = {"model": config["model"], "quantization": config["quantization"] or {}, "task": task, "num_threads": 2}
    run("quantize", folder, job | {"checkpoint": str(checkpoint.newest(trained))})
    return folder


def run(verb: str, folder: Path, config: object) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    subprocess.run([sys.executable, "-m", "trainer", verb, str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
