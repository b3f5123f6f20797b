"""What a trained model says of one picture and sentence: the verb `predict`, and the function for scripts."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from trainer.inputs import checked_arrays
from trainer.runtimes import CARD, OnnxRuntime, Runtime, TorchRuntime

MODEL_VARIABLE = "ANNEAL_MODEL"
Answer = tuple[str, dict[str, float]]


def analyze_multimodal_sentiment(image: Path | str | bytes | None, text: str | None, model: Runtime | Path | str | None = None) -> Answer:
    """Returns the likeliest class and the probability of each.

    `image` is a file or its bytes. `model` is a loaded runtime or a folder that `load` takes; without one the folder that the variable
    ANNEAL_MODEL names. Raises ValueError for what is no picture, no sentence or no model, FileNotFoundError when there is no such file.
    """
    chosen = model or os.environ.get(MODEL_VARIABLE)
    if chosen is None:
        raise ValueError(f"which model? Give its folder, or name it in {MODEL_VARIABLE}")
    runtime = load(Path(chosen)) if isinstance(chosen, str | Path) else chosen
    data = Path(image).read_bytes() if isinstance(image, str | Path) else image
    return predict(runtime, data, text)


def predict(runtime: Runtime, image: bytes | None, text: str | None) -> Answer:
    """Looks at what the model looks at and ignores the other. Raises ValueError with a sentence for what cannot be used."""
    scores = softmax(runtime.logits(checked_arrays(runtime.card, runtime.tokenizer, image, text))[0])
    probabilities = dict(zip(runtime.card.classes, scores.tolist(), strict=True))
    return max(probabilities, key=lambda name: probabilities[name]), probabilities


def softmax(logits_K: np.ndarray) -> np.ndarray:
    raised = np.exp(logits_K.astype(np.float64) - logits_K.max())
    scores: np.ndarray = raised / raised.sum()
    return scores


def load(folder: Path, precision: str = "fp32") -> Runtime:
    """Loads a model from a train folder, a checkpoint, or an export (or a folder with `export/` in it).

    INT8 needs an export and no torch; FP32 takes the checkpoint where there is one. Raises ValueError when there is no such model.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    exported = exported_in(folder)
    if exported and (precision != "fp32" or not (folder / "checkpoints").exists()):
        return OnnxRuntime(exported, precision)
    if precision != "fp32":
        raise ValueError(f"{folder} holds no {precision} model: run `quantize` first")
    from trainer import checkpoint

    return TorchRuntime(checkpoint.newest(folder))


def exported_in(folder: Path) -> Path | None:
    return next((path for path in (folder, folder / "export") if (path / CARD).exists()), None)


def predict_files(folder: Path, image: Path | None, text: str, precision: str) -> dict[str, Any]:
    """The verb: the answer as a JSON document."""
    return answer(load(folder, precision), image.read_bytes() if image else None, text, precision)


def answer(runtime: Runtime, image: bytes | None, text: str | None, precision: str) -> dict[str, Any]:
    """`latency_ms` runs from the bytes to the probabilities; loading the model is left out."""
    began = time.perf_counter()
    best, probabilities = predict(runtime, image, text)
    took_ms = (time.perf_counter() - began) * 1000
    return {"class": best, "probabilities": probabilities, "precision": precision, "latency_ms": round(took_ms, 2)}
