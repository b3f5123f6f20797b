"""Every precision of a language model measured one after the other, each in a process of its own, and told as a row of the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from trainer.config import QuantizationJob
from trainer.events import EventLog
from trainer.quantization import layers
from trainer.quantization.comparing import num_bytes
from trainer.quantization.language import weights
from trainer.quantization.language.asking import Asked
from trainer.quantization.language.measuring import Told
from trainer.quantization.language.quality import quality
from trainer.quantization.language.questions import Questions
from trainer.quantization.language.runtimes import LanguageCard
from trainer.quantization.measuring import Measurement, measure_apart
from trainer.quantization.precisions import BF16_FILE, DYNAMIC, EAGER, HALF, NAMES, WEIGHT, WHOLE

PRECISIONS = (EAGER, WHOLE, HALF, WEIGHT, DYNAMIC)
METHODS = {
    EAGER: "as trained",
    WHOLE: "exported",
    HALF: "cast",
    WEIGHT: "weights rounded, computed in floats",
    DYNAMIC: "weights rounded, activations as they come",
}


class Comparison:
    """FP32 in PyTorch, which is what was trained, is the reference of all answers."""

    def __init__(self, job: QuantizationJob, network: PreTrainedModel, card: LanguageCard, exported: Path) -> None:
        self.job, self.network, self.card, self.exported = job, network, card, exported

    def run(self, questions: Questions, asked: Asked, folder: Path, events: EventLog) -> list[dict[str, Any]]:
        space = folder / "measuring"
        shutil.rmtree(space, ignore_errors=True)
        space.mkdir()
        questions.save(space / "questions")
        rows = []
        for number, precision in enumerate(PRECISIONS):
            events.emit("preparing", what=f"Measuring {NAMES[precision]}", done=number, total=len(PRECISIONS))
            cost, _ = measure_apart(self.measurement(precision, space / "questions"), space / precision)
            told, whole = Told.load(space / precision), Told.load(space / EAGER)
            row = {"precision": precision, "method": METHODS[precision], **cost, **self.sizes(precision), **quality(told, whole, asked)}
            rows.append(row | {"calibration": None})
            events.emit("measured", **rows[-1])
        shutil.rmtree(space)
        return rows

    def measurement(self, precision: str, asked: Path) -> Measurement:
        return Measurement(
            precision=precision,
            library="onnxruntime" if precision in (WHOLE, DYNAMIC) else "pytorch",
            model=self.job.checkpoint if precision == EAGER else str(self.exported),
            questions=str(asked),
            num_threads=self.job.num_threads,
            num_latency=self.job.quantization.latency_samples,
            is_language=True,
        )

    def sizes(self, precision: str) -> dict[str, Any]:
        """Bytes on disk, those of the embeddings apart, and the layers that stayed float where others did not."""
        table = num_bytes(self.network.get_parameter("model.embed_tokens.weight"))
        if precision == EAGER:
            return {"size_bytes": sum(map(num_bytes, self.network.state_dict().values())), "embedding_bytes": table, "float_layers": []}
        if precision == HALF:
            return {"size_bytes": (self.exported / BF16_FILE).stat().st_size, "embedding_bytes": table // 2, "float_layers": []}
        path = self.exported / self.card.files[precision]
        return {"size_bytes": path.stat().st_size, "embedding_bytes": table, "float_layers": self.float_layers(precision, path)}

    def float_layers(self, precision: str, path: Path) -> list[str]:
        if precision == WHOLE:
            return []
        if precision == WEIGHT:
            return weights.float_layers(self.network)
        # The frequencies of the positions are in the graph like weights, but nothing learns them.
        learnt, whole = weights.layers_of(self.network), self.exported / self.card.files[WHOLE]
        return [layer for layer in layers.float_layers(whole, path) if layer in learnt]
