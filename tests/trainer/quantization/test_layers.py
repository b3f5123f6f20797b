"""A layer that INT8 knows nothing of stays float and is named; embeddings in bytes give nearly the rows that they gave before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from tests.trainer import small
from trainer.config import Sentiment, Source
from trainer.data.picture_cache import PictureCache
from trainer.data.samples import Samples
from trainer.export import write_program
from trainer.quantization.layers import embedding_bytes, float_layers
from trainer.quantization.static import make_int8
from trainer.quantization.tables import round_tables
from trainer.runtimes import ModelCard


class Odd(nn.Module):
    """A convolution and a linear layer, and between them a transposed convolution, which has no 8-bit kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.transposed = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 3)
        self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, picture: Tensor) -> Tensor:
        states: Tensor = self.transposed(self.convolution(picture)).mean((2, 3))
        logits: Tensor = self.head(self.norm(states))
        return logits


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(50, 8), nn.Embedding(12, 8)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.words(tokens) + self.places(tokens % 12)
        return found


class Wrapped(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Tensor) -> Tensor:
        found: Tensor = self.network(given)
        return found


def write(network: nn.Module, example: Tensor, path: Path) -> None:
    exported = torch.export.export(Wrapped(network).eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    write_program(exported, ("picture",), path)


def test_an_unsupported_layer_stays_float_and_is_named(tmp_path: Path) -> None:
    write(Odd(), torch.randn(2, 3, 16, 16), tmp_path / "whole.onnx")
    card = ModelCard(inputs="image", classes=("down", "up"), image_size=16, max_tokens=4)
    task = Sentiment(sources=(Source(dataset="pairs"),))
    training = Samples(task, "train", [small.write_pairs(tmp_path / "sets")], None, PictureCache(16))  # type: ignore[arg-type]
    make_int8(tmp_path / "whole.onnx", tmp_path / "int8.onnx", card, training, 8)
    assert float_layers(tmp_path / "whole.onnx", tmp_path / "int8.onnx") == ["transposed", "norm"]
    assert float_layers(tmp_path / "whole.onnx", tmp_path / "whole.onnx") == ["convolution", "transposed", "norm", "head"]


def test_tables_in_bytes_give_nearly_the_same_rows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokens, path = torch.randint(0, 50, (3, 7)), tmp_path / "words.onnx"
    write(Words(), tokens, path)
    before = onnxruntime.InferenceSession(path).run(None, {"picture": tokens.numpy()})[0]
    assert embedding_bytes(path) == 4 * (50 + 12) * 8
    round_tables(path)
    assert embedding_bytes(path) == (50 + 12) * 8
    after = onnxruntime.InferenceSession(path).run(None, {"picture": tokens.numpy()})[0]
    assert 0 < np.abs(after - before).max() < 2 * 4 / 127  # half a step of either table, of which no value is above 4
    kinds = {each.data_type for each in onnx.load(path).graph.initializer if len(each.dims) == 2}
    assert kinds == {onnx.TensorProto.INT8}


def test_a_table_of_nothing_but_zeros_stays_zero(tmp_path: Path) -> None:
    network, path = Words(), tmp_path / "words.onnx"
    with torch.no_grad():
        network.words.weight.zero_()
        network.places.weight.zero_()
    write(network, torch.zeros(2, 3, dtype=torch.long), path)
    round_tables(path)
    found = onnxruntime.InferenceSession(path).run(None, {"picture": np.zeros((1, 3), np.int64)})[0]
    assert found == pytest.approx(0)
