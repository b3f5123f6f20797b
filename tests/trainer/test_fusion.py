"""The four fusions: each against its formula, what a mask hides, and what becomes of them in ONNX and INT8."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from tests.trainer import small
from tests.trainer.conftest import one_stage, write_job
from tests.trainer.quantization.test_job import real_inputs
from trainer import parameters
from trainer.checkpoint import newest
from trainer.config import ImageTextModel, Stage
from trainer.models.fusion import FUSIONS, CrossAttention, Gated
from trainer.models.network import build
from trainer.quantization.job import quantize
from trainer.runtimes import OnnxRuntime, TorchRuntime
from trainer.train import train

LEARNED = ["gated", "cross_attention"]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def attended(module: CrossAttention, image_BPW: Tensor, text_BTW: Tensor) -> Tensor:
    """Scaled dot-product attention written out, head by head, from the module's weights."""
    attention, width = module.attention, text_BTW.shape[-1]
    query, key, value = (
        states @ weight.T + bias
        for states, weight, bias in zip(
            (text_BTW, image_BPW, image_BPW), attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True
        )
    )
    size, each = width // attention.num_heads, []
    for head in range(attention.num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = query[..., part] @ key[..., part].transpose(1, 2) / math.sqrt(size)
        each.append((scores.exp() / scores.exp().sum(-1, keepdim=True)) @ value[..., part])
    return torch.cat(each, -1) @ attention.out_proj.weight.T + attention.out_proj.bias


def test_the_gate_weighs_the_two_features_element_by_element() -> None:
    module, image, text = Gated(6), drawn(3, 6), drawn(3, 6, seed=1)
    found = module(image, text)
    weight, bias = module.gate.weight.tolist(), module.gate.bias.tolist()
    for row in range(3):
        both = [*image[row].tolist(), *text[row].tolist()]
        for column in range(6):
            gate = 1 / (1 + math.exp(-sum(a * b for a, b in zip(weight[column], both, strict=True)) - bias[column]))
            expected = gate * both[column] + (1 - gate) * both[6 + column]
            assert found[row, column].item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("width", "num_heads"), [(8, 4), (6, 2), (9, 1)])
def test_tokens_attend_to_the_positions_of_the_picture(width: int, num_heads: int) -> None:
    module, image, text = CrossAttention(width), drawn(2, 4, width), drawn(2, 5, width, seed=1)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    states = text + attended(module, image, text)
    expected = torch.stack([states[0, :3].mean(0), states[1].mean(0)])
    assert module.attention.num_heads == num_heads
    assert torch.allclose(module(image, text, mask), expected, atol=1e-6)


def test_cross_attention_is_more_than_the_pooled_picture() -> None:
    """Two pictures with the same mean and other positions differ, to sum and gate they are one."""
    module, text, mask = CrossAttention(8), drawn(1, 5, 8, seed=1), torch.ones(1, 5)
    image = drawn(1, 4, 8)
    far = image + 3 * torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(1, 4, 1)
    assert torch.allclose(image.mean(1), far.mean(1), atol=1e-6)
    assert (module(image, text, mask) - module(far, text, mask)).abs().max() > 1e-3


@pytest.mark.parametrize("fusion", FUSIONS)
def test_padding_changes_no_fusion(fusion: str) -> None:
    network, batch = small.network("sentiment", fusion=fusion), small.batch()
    scribbled = batch.tokens + (1 - batch.mask) * 777
    one, other = (network(batch.pictures, tokens, batch.mask) for tokens in (batch.tokens, scribbled))
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_weight_of_a_fusion_learns(fusion: str) -> None:
    network, batch = small.network("sentiment", fusion=fusion), small.batch()
    network(batch.pictures, batch.tokens, batch.mask).square().sum().backward()
    parameters = dict(network.fusion.named_parameters())
    assert bool(parameters) == (fusion in LEARNED)
    for name, parameter in parameters.items():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("fusion", LEARNED)
def test_a_modality_alone_has_no_weights_for_a_fusion(fusion: str) -> None:
    model = ImageTextModel.model_validate(small.MODEL | {"fusion": fusion, "inputs": "text"})
    assert not [name for name, _ in build(model)[0].named_parameters() if name.startswith("fusion")]


@pytest.fixture(params=LEARNED)
def quantized_fusion(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The tiny model with this fusion, trained a few steps in `run`, quantized in `job`."""
    config = one_stage()
    config["model"]["fusion"] = request.param
    rounding = {"calibration_samples": 16, "latency_samples": 10, "qat_steps": 2 if request.param == "cross_attention" else 0}
    config["stages"][0] |= {"steps": 8, "validation_interval": 8, "checkpoint_interval": 8}
    for name in ("run", "job"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert train(tmp_path / "run", [], lambda: False) == 0
    changed = {"model": config["model"], "checkpoint": str(newest(tmp_path / "run")), "quantization": rounding}
    write_job(tmp_path / "job", tmp_path / "run", **changed)
    assert quantize(tmp_path / "job", [], lambda: False) == 0
    return tmp_path


def test_a_learned_fusion_becomes_onnx_and_int8(quantized_fusion: Path) -> None:
    export = quantized_fusion / "job" / "export"
    whole, rounded = (OnnxRuntime(export, precision, 1) for precision in ("fp32", "int8"))
    arrays = real_inputs(whole, 33)
    exact = whole.logits(arrays)
    assert np.abs(exact - TorchRuntime(newest(quantized_fusion / "run")).logits(arrays)).max() < 1e-4
    assert 0 < np.abs(exact - rounded.logits(arrays)).mean() < 0.25 * exact.std()
    weights = {each.name: each.data_type for each in onnx.load(export / "int8_ptq.onnx").graph.initializer if "fusion" in each.name}
    assert onnx.TensorProto.INT8 in weights.values()
    assert not [name for name, kind in weights.items() if name.endswith("weight") and kind == onnx.TensorProto.FLOAT]
    lines = (quantized_fusion / "job" / "events.jsonl").read_text().splitlines()
    rows = [event for line in lines if (event := json.loads(line))["kind"] == "measured"]
    assert [row["precision"] for row in rows][:4] == ["fp32_eager", "fp32", "bf16", "int8_ptq"]
    float_layers = {row["precision"]: [name for name in row["float_layers"] if name.startswith("fusion")] for row in rows}
    assert not [name for name in float_layers["int8_ptq"] if "norm" not in name]
    # An attention of torch's own is one operator to the quantizer that trains, which knows no rounding for it.
    if "int8_qat" in float_layers:
        assert {"fusion.attention", "fusion.attention.out_proj"} <= set(float_layers["int8_qat"])


@pytest.mark.parametrize("inputs", ["image_and_text", "image"])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_plan_counts_the_parameters_of_a_fusion_by_their_names(fusion: str, inputs: str) -> None:
    network = small.network("image_text_contrast", fusion=fusion, inputs=inputs)
    stage = Stage.model_validate(small.stage(small.task("image_text_contrast")))
    counts = parameters.count(network.config, stage, {})
    assert counts is not None
    assert counts.sizes == {name: parameter.numel() for name, parameter in network.named_parameters()}
