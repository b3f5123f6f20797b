"""The verb `quantize`: ONNX in FP32, INT8 by calibration and by training, and every precision measured side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import save_file

from trainer import config
from trainer.config import LanguageModel, QuantizationJob
from trainer.data.picture_cache import PictureCache
from trainer.data.samples import Samples
from trainer.device import set_threads
from trainer.events import EventLog
from trainer.export import complete, export_onnx, give_name, new_partial, parity_fields, quiet
from trainer.job import run
from trainer.quantization import flips
from trainer.quantization.comparing import Comparison, used_weights
from trainer.quantization.gate import judge
from trainer.quantization.precisions import BF16_FILE, PTQ, QAT, WHOLE
from trainer.quantization.static import make_int8
from trainer.runtimes import TorchRuntime

SPLIT = "test"


def quantize(folder: Path, datasets: Sequence[Path], stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Reads `config.json` (a QuantizationJob), writes `export/`, the flipped samples and the events; returns the exit status.

    Raises ValueError (pydantic's included) for what the user gave.
    """
    job = config.parse(json.loads((folder / "config.json").read_text()))
    if not isinstance(job, QuantizationJob):
        raise ValueError("config.json describes no quantization: use the verb `train`")
    return run(folder, lambda events: begin(job, folder, datasets, events).work(), stop_asked, doorbell)


class Work(Protocol):
    """The quantization of a model of some family."""

    def work(self) -> None: ...


def begin(job: QuantizationJob, folder: Path, datasets: Sequence[Path], events: EventLog) -> Work:
    """Raises ValueError for a model that cannot be quantized."""
    if isinstance(job.model, LanguageModel):
        # Imported here: it loads the libraries of language models.
        from trainer.quantization.language.job import Quantizing as QuantizingLanguage

        return QuantizingLanguage(job, folder, datasets, events)
    return Quantizing(job, folder, datasets, events)


class Quantizing:
    """A quantization in progress: what is exported lies in a partial folder, which gets its name when the gate has spoken."""

    def __init__(self, job: QuantizationJob, folder: Path, datasets: Sequence[Path], events: EventLog) -> None:
        if job.task.kind != "sentiment":
            raise ValueError(f"task: {job.task.kind} has no classifier to quantize; the last stage's first task must be sentiment")
        events.emit("preparing", what="Loading the model and the data")
        set_threads(job.num_threads)
        self.job, self.settings, self.folder, self.events = job, job.quantization, folder, events
        self.runtime = TorchRuntime(Path(job.checkpoint))
        cache = PictureCache(self.runtime.card.image_size)
        self.training, self.testing = (Samples(job.task, split, datasets, self.runtime.tokenizer, cache) for split in ("train", SPLIT))
        self.partial = new_partial(folder / "export")
        self.card = self.runtime.card

    def work(self) -> None:
        self.export()
        rows = Comparison(self.job, self.runtime, self.card, self.testing, self.partial).run(SPLIT, self.folder, self.events)
        gate = judge(rows, self.settings.max_drop)
        self.card = self.card.model_copy(update={"files": self.card.files | {"int8": self.card.files[gate.winner]}, "gate": gate})
        complete(self.partial, self.card, self.runtime.tokenizer)
        give_name(self.partial, self.folder / "export")
        self.events.emit("judged", **gate.model_dump(), flipped=flips.FILE)
        self.events.emit("exported", files={name: f"export/{file}" for name, file in self.card.files.items()})
        self.events.emit("finished", results={})

    # --- the files -------------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Writes the graphs, the BF16 weights, and a card with which they can be loaded."""
        self.events.emit("preparing", what="Exporting to ONNX")
        cases = export_onnx(self.runtime, self.partial / "fp32.onnx")
        self.events.emit("preparing", what=f"Calibrating INT8 on {self.settings.calibration_samples} training samples")
        make_int8(self.partial / "fp32.onnx", self.partial / f"{PTQ}.onnx", self.card, self.training, self.settings.calibration_samples)
        if self.settings.qat_steps:
            self.write_trained()
        save_file(in_bf16(used_weights(self.runtime)), self.partial / BF16_FILE)
        int8 = [PTQ, QAT] if self.settings.qat_steps else [PTQ]
        files = {WHOLE: "fp32.onnx", **{name: f"{name}.onnx" for name in int8}}
        self.card = self.card.model_copy(update={"files": files, **parity_fields(cases)})
        complete(self.partial, self.card, self.runtime.tokenizer)

    def write_trained(self) -> None:
        self.events.emit("preparing", what="Making the graph that rounds")
        with quiet():  # what torchao imports warns of torch's own age
            from trainer.quantization import aware

        graph = aware.train_aware(self.runtime, self.training, self.settings, self.events)
        self.events.emit("preparing", what="Exporting what was trained with rounding")
        aware.write_int8(graph, self.runtime, self.partial / f"{QAT}.onnx")


def in_bf16(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: each.to(torch.bfloat16).contiguous() if each.is_floating_point() else each for name, each in weights.items()}
