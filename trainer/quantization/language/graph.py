"""A causal language model as an ONNX graph: FP32, checked against PyTorch, and INT8 whose activations are rounded as they come.

B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from transformers import PreTrainedModel

from trainer.export import BATCH_SIZES, MAX_DIFFERENCE, quiet, write_program
from trainer.models import language
from trainer.quantization.tables import drop_notes
from trainer.runtimes import Parity

QUANTIZED = ["MatMul", "Gemm"]
SHORTEST = 2  # tokens; a length of one would be taken for a constant


def next_logits(network: PreTrainedModel, tokens_BT: Tensor) -> Tensor:
    """Returns (B, T, V): behind each token the logits of the next. Each row is one document; what pads its end is looked at by none."""
    positions_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device).expand(tokens_BT.shape)
    return language.logits(network, language.hidden(network, tokens_BT, positions_BT, is_packed=False))


class NextToken(nn.Module):
    """The network as a function of tokens alone."""

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return next_logits(self.network, tokens)


def export_onnx(network: PreTrainedModel, max_tokens: int, path: Path) -> tuple[Parity, ...]:
    """Writes the graph, dynamic in the batch and in the length of texts, and returns how far its logits are from PyTorch's.

    Raises RuntimeError when they differ by more than rounding.
    """
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=SHORTEST, max=max_tokens)
    example = random_tokens(network, 2, max_tokens)
    with quiet(), torch.no_grad():
        program = torch.export.export(NextToken(network).eval(), (example,), dynamic_shapes=({0: batch, 1: length},))
    write_program(program, ("tokens",), path)
    graph = onnx.load(path)
    drop_notes(graph.graph)
    onnx.save(graph, path)
    return parity(network, max_tokens, path)


def parity(network: PreTrainedModel, max_tokens: int, path: Path) -> tuple[Parity, ...]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    lengths = dict.fromkeys((SHORTEST, max(max_tokens // 2, SHORTEST), max_tokens))
    found = tuple(compared(network, session, size, length) for length in lengths for size in BATCH_SIZES)
    worst = max(found, key=lambda case: case.difference)
    if not worst.difference <= MAX_DIFFERENCE:
        place = f"at batch {worst.batch_size} and texts of {worst.num_tokens} tokens"
        raise RuntimeError(f"the ONNX graph differs from PyTorch by {worst.difference:g} {place}")
    return found


@torch.inference_mode()
def compared(network: PreTrainedModel, session: Any, size: int, length: int) -> Parity:
    tokens_BT = random_tokens(network, size, length)
    difference = np.abs(session.run(["logits"], {"tokens": tokens_BT.numpy()})[0] - next_logits(network, tokens_BT).numpy()).max()
    return Parity(batch_size=size, num_tokens=length, difference=float(difference))


def random_tokens(network: PreTrainedModel, size: int, length: int) -> Tensor:
    return torch.randint(network.config.vocab_size, (size, length), generator=torch.Generator().manual_seed(0))


def make_int8(whole: Path, target: Path) -> None:
    """Writes `target`, the INT8 graph of `whole`: weights in bytes, a scale for each output; activations by the range of each call."""
    prepared = target.with_name(f"prepared-{target.name}")
    quant_pre_process(whole, prepared, skip_symbolic_shape=True)
    quantize_dynamic(prepared, target, op_types_to_quantize=QUANTIZED, per_channel=True, weight_type=QuantType.QInt8)
    prepared.unlink()
