"""An exported causal language model in a runtime: PyTorch on its weights, or ONNX Runtime (without torch) on its graph.

B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from trainer.manifest import verify
from trainer.quantization.gate import Gate
from trainer.runtimes import CARD, Arrays, Parity, cores


class LanguageCard(BaseModel):
    """What one must know to use the files of an export: `model.json`. `parity` is the largest difference of logits to PyTorch's."""

    model_config = ConfigDict(frozen=True)

    family: str
    vocabulary_size: int
    max_tokens: int
    files: dict[str, str] = {}
    parity: float | None = None
    parity_cases: tuple[Parity, ...] = ()
    gate: Gate | None = None


class LanguageRuntime(Protocol):
    """Something that answers the logits of the next token."""

    name: str

    def logits(self, arrays: Arrays) -> np.ndarray:
        """Takes `tokens` int64 (B, T), each row one document that may be padded behind its end. Returns float32 (B, T, V)."""


class OnnxLanguage:
    """A graph on the CPU; `precision` names the file."""

    def __init__(self, folder: Path, precision: str, num_threads: int) -> None:
        import onnxruntime

        verify(folder)
        card = LanguageCard.model_validate(json.loads((folder / CARD).read_text()))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = num_threads or cores(), 3
        self.session = onnxruntime.InferenceSession(folder / card.files[precision], options, providers=["CPUExecutionProvider"])
        self.name = f"ONNX Runtime {onnxruntime.__version__}"

    def logits(self, arrays: Arrays) -> np.ndarray:
        found: np.ndarray = self.session.run(["logits"], arrays)[0]
        return found


class TorchLanguage:
    """Weights on the CPU: those of a checkpoint, or of an export in BF16 or INT8."""

    def __init__(self, folder: Path, precision: str) -> None:
        import torch

        from trainer.quantization.language.weights import load

        verify(folder)
        self.network = load(folder, precision).eval()
        self.name = f"PyTorch {torch.__version__.partition('+')[0]}"

    def logits(self, arrays: Arrays) -> np.ndarray:
        import torch

        from trainer.quantization.language.graph import next_logits

        with torch.inference_mode():
            found: np.ndarray = next_logits(self.network, torch.from_numpy(arrays["tokens"])).float().numpy()
        return found
