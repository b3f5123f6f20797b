"""The weights of a language model in each precision that PyTorch computes: written as safetensors, and loaded again.

INT8 rounds the weights of the linear layers, a scale for each output, and computes in floats (torchao's Int8WeightOnlyConfig).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from trainer import checkpoint
from trainer.export import quiet
from trainer.models import language
from trainer.quantization.precisions import BF16_FILE, HALF, WEIGHT

INT8_FILE = f"{WEIGHT}.safetensors"
# What of a rounded weight is kept: whole numbers (outputs, inputs) and the scale of each output.
BYTES, SCALE = ".bytes", ".scale"


def write_bf16(network: PreTrainedModel, folder: Path) -> None:
    save_file({name: each.to(torch.bfloat16).contiguous() for name, each in network.state_dict().items()}, folder / BF16_FILE)


def write_int8(network: PreTrainedModel, folder: Path) -> None:
    with quiet():  # what torchao imports warns of torch's own age
        from torchao.quantization import Int8WeightOnlyConfig, quantize_

    rounded = copy.deepcopy(network)
    quantize_(rounded, Int8WeightOnlyConfig())
    kept: dict[str, Tensor] = {}
    for name, weight in rounded.state_dict().items():
        kept |= parts(name, weight) if hasattr(weight, "qdata") else {name: weight.contiguous()}
    save_file(kept, folder / INT8_FILE)


def parts(name: str, weight: Any) -> dict[str, Tensor]:
    """Rounding is symmetric about 0, so that nothing but a scale is needed."""
    assert weight.zero_point is None or not weight.zero_point.any()
    return {name + BYTES: weight.qdata.contiguous(), name + SCALE: weight.scale.contiguous()}


def load(folder: Path, precision: str) -> PreTrainedModel:
    """Takes a checkpoint for FP32, an export for what was made of it. Raises ValueError or Damaged for weights that do not fit."""
    network = language.rebuild(folder)
    if precision == WEIGHT:
        put_int8(network, load_file(folder / INT8_FILE))
        return network
    weights = load_file(folder / BF16_FILE) if precision == HALF else checkpoint.tensors(folder, "model")
    # The frequencies of the positions are no weights and stay float32: in BF16 far positions would be told apart no more.
    network.load_state_dict(weights, assign=True)
    return network


def put_int8(network: nn.Module, stored: dict[str, Tensor]) -> None:
    with quiet():
        from torchao.quantization import Int8Tensor

    rounded = [name.removesuffix(BYTES) for name in stored if name.endswith(BYTES)]
    weights = {name: each for name, each in stored.items() if not name.endswith((BYTES, SCALE))}
    for name in rounded:
        values, scale = stored[name + BYTES], stored[name + SCALE]
        weights[name] = Int8Tensor(values, scale, [1, values.shape[1]], torch.float32)
    network.load_state_dict(weights, assign=True)


def layers_of(network: nn.Module) -> dict[str, nn.Module]:
    """Returns the modules that have weights of their own, by name."""
    return {name: module for name, module in network.named_modules() if any(True for _ in module.parameters(recurse=False))}


def float_layers(network: nn.Module) -> list[str]:
    """Returns the layers with weights that INT8 leaves as they are, in their order."""
    return [name for name, module in layers_of(network).items() if not isinstance(module, nn.Linear)]
