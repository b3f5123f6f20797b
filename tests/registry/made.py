"""Finished runs with checkpoints and an export as the trainer leaves them: real safetensors and ONNX, very small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from django.conf import settings
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from dashboard.registry.models import Version
from dashboard.registry.registering import register
from dashboard.registry.sources import source_of
from dashboard.runs.models import Quantization, Run, Stage, Status
from tests.cast import Cast
from tests.runs.finished import finish_stages
from trainer import config
from trainer.manifest import MANIFEST, write_manifest

CLASSES = ["negative", "neutral", "positive"]
LOST = {"passed": 0.26, "failed": 1.33}
RESULTS = {"validation/loss": 0.9, "test/accuracy": 0.7264, "test/macro_f1": 0.71}


def finished(cast: Cast, name: str = "steady-kestrel", settings_of_run: config.Run | None = None, **gates: str) -> Run:
    """A run whose three stages have checkpoints; `int8="passed"` adds a quantization with that verdict of the gate."""
    run = cast.submit(name, settings_of_run)
    finish_stages(run, 3, 0.9)
    for stage in run.stages:
        write_checkpoint(settings.RUNS_DIR / stage.checkpoint, stage)
    Stage.objects.filter(run=run, index=3).update(results=RESULTS)
    Quantization.objects.filter(run=run).update(status=Status.STOPPED)
    Run.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    if gates:
        quantize(run, gates)
    run.refresh_from_db()
    return run


def write_checkpoint(folder: Path, stage: Stage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"weight": np.full((4, 4), stage.index, np.float32)}
    for name in ("model", "optimizer", "random"):
        save_file(weights, folder / f"{name}.safetensors")
    documents = {"state": {"step": 1, "torch": "2.13.0"}, "config": {"model": stage.run.config["model"]}, "tokenizer": {"model": {}}}
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    write_manifest(folder)


def quantize(run: Run, gates: dict[str, str]) -> None:
    """Rows and card as the trainer writes them; a gate of "" leaves the verdict out, as quantizations of before have it."""
    place = f"{run.pk}/job-4/attempt-1/export"
    write_export(settings.RUNS_DIR / place, gates)
    row = {"accuracy": 0.7238, "macro_f1": 0.7, "size_bytes": 1000, "latency_ms_p50": 4.2}
    whole = {"precision": "fp32", "accuracy": 0.7264, "size_bytes": 4000}
    rows = [whole, *({"precision": precision, **row} for precision in gates)]
    files = {name: f"{place}/{name}.onnx" for name in ("fp32", *gates)}
    Quantization.objects.filter(run=run).update(status=Status.COMPLETED, rows=rows, files=files)


def write_export(folder: Path, gates: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    files = {name: f"{name}.onnx" for name in ("fp32", *gates)}
    for place, file in enumerate(files.values()):
        onnx.save(graph(("picture", "tokens", "mask"), weight=float(place)), folder / file)
    save_file({"weight": np.zeros(4, np.float32)}, folder / "bf16.safetensors")
    card: dict[str, Any] = {"inputs": "image_and_text", "classes": CLASSES, "image_size": 32, "max_tokens": 16, "files": files}
    drops = {name: LOST[gate] for name, gate in gates.items() if gate}
    if drops:
        winner = min(drops, key=lambda name: drops[name])
        card["gate"] = {"max_drop": 0.6, "drops": drops, "winner": winner, "passes": drops[winner] <= 0.6}
    (folder / "model.json").write_text(json.dumps(card))
    (folder / "tokenizer.json").write_text("{}")
    write_manifest(folder)


SHAPES: dict[str, tuple[int, list[Any]]] = {
    "picture": (TensorProto.FLOAT, ["batch", 3, 32, 32]),
    "tokens": (TensorProto.INT64, ["batch", "length"]),
    "mask": (TensorProto.INT64, ["batch", "length"]),
    "logits": (TensorProto.FLOAT, ["batch", 3]),
}


def graph(inputs: tuple[str, ...], weight: float = 0.0, **shapes: tuple[int, list[Any]]) -> onnx.ModelProto:
    """Has the signature of a classifier and a weight; what it would answer does not matter here."""
    values = {name: helper.make_tensor_value_info(name, *described) for name, described in (SHAPES | shapes).items()}
    constant = helper.make_tensor("weight", TensorProto.FLOAT, [4], [weight] * 4)
    nodes = [helper.make_node("Sum", [*inputs, "weight"], ["logits"])]
    return helper.make_model(helper.make_graph(nodes, "made", [values[name] for name in inputs], [values["logits"]], [constant]))


def registered(cast: Cast, run: Run, name: str = "sentiment", stage: int = 3, precision: str = "fp32") -> Version:
    return register(run.project, name, source_of(run, stage, precision), cast.erin)


def change_a_byte(path: Path) -> None:
    """Under the same name, size and time: a fault of the disk. The file keeps its other names."""
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


def resign(folder: Path) -> None:
    """Makes the manifest fit what lies there now, as somebody with bad intentions would."""
    (folder / MANIFEST).unlink()
    write_manifest(folder)
