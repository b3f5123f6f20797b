"""The verb `quantize`: ONNX in FP32 and static INT8, and FP32, BF16 and INT8 measured side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors.torch import save_file

from trainer import config
from trainer.config import QuantizationJob
from trainer.data.picture_cache import PictureCache
from trainer.data.samples import Index, Samples
from trainer.device import set_threads
from trainer.events import EventLog
from trainer.export import export_onnx, new_partial, parity_fields, write_export
from trainer.failures import explain
from trainer.measure import batches, measure
from trainer.narration import Narrator
from trainer.runtimes import Arrays, ModelCard, OnnxRuntime, Runtime, TorchRuntime
from trainer.stopping import Stopped, stopping_at_once
from trainer.train import DONE, STOPPED

FILES = {"fp32": "fp32.onnx", "int8": "int8.onnx"}
BF16_FILE = "bf16.safetensors"
# Gather holds the word embeddings, half of a small text encoder's size.
QUANTIZED = ["Conv", "MatMul", "Gemm", "Gather"]


def quantize(folder: Path, datasets: Sequence[Path], stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Reads `config.json` (a QuantizationJob), writes `export/` and the events; returns the exit status.

    Raises ValueError (pydantic's included) for what the user gave.
    """
    job = config.parse(json.loads((folder / "config.json").read_text()))
    if not isinstance(job, QuantizationJob):
        raise ValueError("config.json describes no quantization: use the verb `train`")
    events = EventLog(folder, doorbell, Narrator().tell)
    try:
        with stopping_at_once(stop_asked):
            work(job, folder, datasets, events)
    except Stopped:
        return STOPPED
    except Exception as error:
        message, reason = explain(error)
        events.emit("failed", message=message, reason=reason)
        raise
    finally:
        events.close()
    return DONE


def work(job: QuantizationJob, folder: Path, datasets: Sequence[Path], events: EventLog) -> None:
    if job.task.kind != "sentiment":
        raise ValueError(f"task: {job.task.kind} has no classifier to quantize; the last stage's first task must be sentiment")
    events.emit("preparing", what="Loading the model and the data")
    set_threads(job.num_threads)
    runtime = TorchRuntime(Path(job.checkpoint))
    cache = PictureCache(runtime.card.image_size)
    samples = {split: Samples(job.task, split, datasets, runtime.tokenizer, cache) for split in ("train", "test")}
    export(job, folder / "export", runtime, samples["train"], events)
    compare(job, folder / "export", samples["test"], events)
    events.emit("exported", files={name: f"export/{file}" for name, file in FILES.items()})
    events.emit("finished", results={})


def export(job: QuantizationJob, target: Path, runtime: TorchRuntime, training: Samples, events: EventLog) -> None:
    """Writes the export folder: FP32 and INT8 graphs and the BF16 weights."""
    partial = new_partial(target)
    events.emit("preparing", what="Exporting to ONNX")
    cases = export_onnx(runtime, partial / FILES["fp32"])
    card = runtime.card.model_copy(update={"files": FILES, **parity_fields(cases)})
    events.emit("preparing", what=f"Calibrating INT8 on {job.quantization.calibration_samples} training samples")
    make_int8(partial, card, training, job.quantization.calibration_samples)
    save_file(weights_bf16(runtime), partial / BF16_FILE)
    write_export(partial, target, card, runtime.tokenizer)


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Feeds the calibrator batch by batch."""

    def __init__(self, found: Iterator[Arrays]) -> None:
        self.found = found

    def get_next(self) -> Arrays | None:
        return next(self.found, None)


def make_int8(folder: Path, card: ModelCard, training: Samples, count: int) -> None:
    """Static INT8 with quantize-dequantize pairs; the ranges are the smallest and largest values seen (MinMax)."""
    prepared = folder / "prepared.onnx"
    quant_pre_process(folder / card.files["fp32"], prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        folder / card.files["int8"],
        Calibration(batches(card, training, chosen(training, count))),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=QUANTIZED,
    )
    prepared.unlink()


def chosen(samples: Samples, count: int) -> list[Index]:
    """Evenly spread over a seeded permutation, so every source and class has its part."""
    order = samples.in_order()
    return [order[number] for number in np.random.default_rng(0).permutation(len(order))[:count]]


def weights_bf16(runtime: TorchRuntime) -> dict[str, torch.Tensor]:
    """The weights that the classifier uses, in BF16."""
    unused = {"image": ("text",), "text": ("image",), "image_and_text": ()}[runtime.card.inputs]
    return {
        name: tensor.to(torch.bfloat16).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in runtime.network.state_dict().items()
        if not name.startswith(unused) and (not name.startswith("heads.") or name.startswith("heads.sentiment"))
    }


def compare(job: QuantizationJob, exported: Path, samples: Samples, events: EventLog) -> None:
    """Measures one precision after the other, each loaded alone."""
    rows: dict[str, tuple[str, Callable[[], Runtime]]] = {
        "fp32": (FILES["fp32"], lambda: OnnxRuntime(exported, "fp32", job.num_threads)),
        "bf16": (BF16_FILE, lambda: TorchRuntime(Path(job.checkpoint), "bf16")),
        "int8": (FILES["int8"], lambda: OnnxRuntime(exported, "int8", job.num_threads)),
    }
    for precision, (file, load) in rows.items():
        events.emit("preparing", what=f"Measuring {precision.upper()}")
        runtime = load()
        found = measure(runtime, samples, job.quantization.latency_samples)
        size = (exported / file).stat().st_size
        events.emit("measured", precision=precision, runtime=runtime.name, size_bytes=size, **found.fields())
