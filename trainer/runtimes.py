"""A trained sentiment model in a runtime: PyTorch on a checkpoint, or ONNX Runtime (without torch) on an export."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from tokenizers import Tokenizer

from trainer.data.pictures import DEVIATION, MEAN
from trainer.manifest import verify
from trainer.quantization.gate import Gate
from trainer.signature import check_signature, of_session

CARD = "model.json"
INPUTS = {"image_and_text": ("picture", "tokens", "mask"), "image": ("picture",), "text": ("tokens", "mask")}
Arrays = dict[str, np.ndarray]


class Normalisation(BaseModel):
    """Per channel (red, green, blue), of pixels scaled to 0..1."""

    mean: tuple[float, ...] = tuple(round(float(value), 4) for value in MEAN.flatten())
    deviation: tuple[float, ...] = tuple(round(float(value), 4) for value in DEVIATION.flatten())


class Parity(BaseModel):
    """How far the graph's logits are from PyTorch's at most, for one batch size and one length of texts (0: it reads none)."""

    model_config = ConfigDict(frozen=True)

    batch_size: int
    num_tokens: int
    difference: float


class ModelCard(BaseModel):
    """What one must know to use a model: `model.json` of an export. `parity` is the largest difference of logits to PyTorch's.

    After a quantization `int8` of the files is the INT8 that won, and `gate` says whether it may be served.
    """

    model_config = ConfigDict(frozen=True)

    inputs: str
    classes: tuple[str, ...]
    image_size: int
    max_tokens: int
    normalisation: Normalisation = Normalisation()
    files: dict[str, str] = {}
    parity: float | None = None
    gate: Gate | None = None
    parity_cases: tuple[Parity, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def of_a_classifier(cls, document: Any) -> Any:
        if isinstance(document, dict) and "family" in document:
            raise ValueError(f"the export is of a language model ({document['family']}), which has no classes to tell")
        return document

    @property
    def names(self) -> tuple[str, ...]:
        return INPUTS[self.inputs]


class Runtime(Protocol):
    """Something that answers logits."""

    card: ModelCard
    tokenizer: Tokenizer
    name: str

    def logits(self, arrays: Arrays) -> np.ndarray:
        """Takes the card's inputs: picture float32 (B, 3, side, side), tokens and mask int64 (B, T). Returns float32 (B, classes)."""


class OnnxRuntime:
    """An exported model on the CPU; `precision` names the file."""

    def __init__(self, folder: Path, precision: str, num_threads: int = 0) -> None:
        import onnxruntime

        verify(folder)
        self.card = ModelCard.model_validate(json.loads((folder / CARD).read_text()))
        if precision not in self.card.files:
            raise ValueError(f"{folder} has no {precision} version; it has {', '.join(self.card.files)}")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = num_threads or cores(), 3
        self.session = onnxruntime.InferenceSession(folder / self.card.files[precision], options, providers=["CPUExecutionProvider"])
        check_signature(of_session(self.session), self.card, self.card.files[precision])
        self.name = f"ONNX Runtime {onnxruntime.__version__}"

    def logits(self, arrays: Arrays) -> np.ndarray:
        found: np.ndarray = self.session.run(["logits"], arrays)[0]
        return found


class TorchRuntime:
    """A checkpoint on the CPU, in FP32 or BF16."""

    def __init__(self, checkpoint: Path, precision: str = "fp32") -> None:
        import torch

        from trainer.models.network import from_checkpoint

        network, self.tokenizer, classes = from_checkpoint(checkpoint)
        if "sentiment" not in classes:
            raise ValueError(f"{checkpoint.name} has no sentiment head: it is not of a stage that learns sentiment")
        self.number = torch.bfloat16 if precision == "bf16" else torch.float32
        self.network = network.to(self.number)
        self.card = card_of(network, classes["sentiment"])
        self.name = f"PyTorch {torch.__version__.partition('+')[0]}"

    def logits(self, arrays: Arrays) -> np.ndarray:
        import torch

        inputs = {name: torch.from_numpy(array) for name, array in arrays.items()}
        picture = inputs["picture"].to(self.number) if "picture" in inputs else None
        with torch.inference_mode():
            found: np.ndarray = self.network(picture, inputs.get("tokens"), inputs.get("mask")).float().numpy()
        return found


def card_of(network: object, classes: list[str]) -> ModelCard:
    from trainer.models.network import Network

    assert isinstance(network, Network)
    model = network.config
    return ModelCard(inputs=model.inputs, classes=tuple(classes), image_size=model.image.image_size, max_tokens=model.text.max_tokens)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
