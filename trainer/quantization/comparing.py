"""Every precision measured one after the other, each in a process of its own, and told as a row of the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from trainer.config import QuantizationJob
from trainer.data.samples import Samples
from trainer.events import EventLog
from trainer.quantization import flips, layers, questions
from trainer.quantization.measuring import Measurement, measure_apart
from trainer.quantization.precisions import BF16_FILE, EAGER, HALF, INT8, NAMES, PTQ, QAT, WHOLE
from trainer.quantization.quality import quality
from trainer.runtimes import ModelCard, TorchRuntime


class Comparison:
    """FP32 in PyTorch, which is what was trained, is the reference of all answers."""

    def __init__(self, job: QuantizationJob, runtime: TorchRuntime, card: ModelCard, samples: Samples, exported: Path) -> None:
        self.job, self.settings, self.runtime, self.card = job, job.quantization, runtime, card
        self.samples, self.exported = samples, exported
        self.labels = samples.labels(samples.in_order())

    def run(self, split: str, folder: Path, events: EventLog) -> list[dict[str, Any]]:
        """Returns the rows, and keeps in the folder the samples whose answer flipped."""
        space = folder / "measuring"
        shutil.rmtree(space, ignore_errors=True)
        space.mkdir()
        questions.write(space / "questions", self.card, self.samples)
        answers: dict[str, np.ndarray] = {}
        rows = []
        precisions = (EAGER, WHOLE, HALF, *(name for name in INT8 if name in self.card.files))
        for number, precision in enumerate(precisions):
            events.emit("preparing", what=f"Measuring {NAMES[precision]}", done=number, total=len(precisions))
            cost, answers[precision] = measure_apart(self.measurement(precision, space / "questions"), space / precision)
            rows.append(self.row(precision, cost, answers[precision], answers[EAGER]))
            events.emit("measured", **rows[-1])
        flips.write(folder / flips.FILE, self.samples, split, answers.pop(EAGER), answers)
        shutil.rmtree(space)
        return rows

    def measurement(self, precision: str, asked: Path) -> Measurement:
        in_torch = precision in (EAGER, HALF)
        return Measurement(
            precision=precision,
            library="pytorch" if in_torch else "onnxruntime",
            model=self.job.checkpoint if in_torch else str(self.exported),
            questions=str(asked),
            num_threads=self.job.num_threads,
            num_latency=self.settings.latency_samples,
        )

    def row(self, precision: str, cost: dict[str, Any], logits: np.ndarray, whole: np.ndarray) -> dict[str, Any]:
        told = {"precision": precision, "method": self.method(precision), **cost, **self.sizes(precision)}
        told |= quality(logits, whole, self.labels, self.card.classes)
        return told | {"calibration": self.calibration(precision)}

    def method(self, precision: str) -> str:
        calibrated = f"MinMax, {self.settings.calibration_samples} samples"
        trained = f"{self.settings.qat_steps} steps at {self.settings.qat_learning_rate:g}"
        return {EAGER: "as trained", WHOLE: "exported", HALF: "cast", PTQ: calibrated, QAT: trained}[precision]

    def sizes(self, precision: str) -> dict[str, Any]:
        """Bytes on disk, those of the embeddings apart, and the layers that stayed float where others did not."""
        if precision in (EAGER, HALF):
            weights = used_weights(self.runtime)
            tables = sum(num_bytes(each) for name, each in weights.items() if name.endswith("_embeddings.weight"))
            if precision == EAGER:
                return {"size_bytes": sum(map(num_bytes, weights.values())), "embedding_bytes": tables, "float_layers": []}
            return {"size_bytes": (self.exported / BF16_FILE).stat().st_size, "embedding_bytes": tables // 2, "float_layers": []}
        path, whole = (self.exported / self.card.files[name] for name in (precision, WHOLE))
        left = layers.float_layers(whole, path) if precision in INT8 else []
        return {"size_bytes": path.stat().st_size, "embedding_bytes": layers.embedding_bytes(path), "float_layers": left}

    def calibration(self, precision: str) -> dict[str, Any] | None:
        """What the ranges of an INT8 come from: training samples, of which the training with rounding sees some more than once."""
        settings, cards = self.settings, [rows.card for rows in self.samples.rows]
        counts = {PTQ: settings.calibration_samples, QAT: settings.qat_steps * settings.qat_batch_size}
        if precision not in counts:
            return None
        named = [{"name": card.name, "fingerprint": card.fingerprint} for card in cards]
        return {"split": "train", "num_samples": counts[precision], "datasets": named}


def num_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def used_weights(runtime: TorchRuntime) -> dict[str, Tensor]:
    """Returns the weights that the classifier uses."""
    unused = {"image": ("text",), "text": ("image",), "image_and_text": ()}[runtime.card.inputs]
    return {
        name: tensor
        for name, tensor in runtime.network.state_dict().items()
        if not name.startswith(unused) and (not name.startswith("heads.") or name.startswith("heads.sentiment"))
    }
