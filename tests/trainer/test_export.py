"""The exported graph takes any batch and any length of text, and one whose inputs or outputs are not the card's is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.trainer.small import picture
from tests.trainer.small_export import exported
from trainer import export
from trainer.manifest import MANIFEST, write_manifest
from trainer.predict import predict
from trainer.runtimes import CARD, ModelCard, OnnxRuntime, Parity

Change = Callable[[onnx.GraphProto], object]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("export"))


def changed(folder: Path, change: Change) -> Path:
    """Saves the graph anew after a change, with a manifest that agrees."""
    model = onnx.load(folder / "fp32.onnx")
    change(model.graph)
    onnx.save(model, folder / "fp32.onnx")
    (folder / MANIFEST).unlink()
    write_manifest(folder)
    return folder


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    export.copy(folder, tmp_path / "own")
    return tmp_path / "own"


def test_parity_is_measured_at_three_batches_and_three_lengths_and_kept(folder: Path) -> None:
    card = ModelCard.model_validate(json.loads((folder / CARD).read_text()))
    assert {(case.batch_size, case.num_tokens) for case in card.parity_cases} == {(b, t) for b in (1, 5, 16) for t in (3, 6, 12)}
    assert all(0 <= case.difference <= 1e-4 for case in card.parity_cases)
    assert card.parity == max(case.difference for case in card.parity_cases)


@pytest.mark.parametrize("inputs", ["image", "text"])
def test_a_model_of_one_input_has_lengths_only_if_it_reads(inputs: str, tmp_path: Path) -> None:
    cases = OnnxRuntime(exported(tmp_path, inputs=inputs), "fp32", 1).card.parity_cases
    assert {case.num_tokens for case in cases} == ({0} if inputs == "image" else {3, 6, 12})


def test_cross_attention_takes_any_length_too(tmp_path: Path) -> None:
    assert len(OnnxRuntime(exported(tmp_path, fusion="cross_attention"), "fp32", 1).card.parity_cases) == 9


def test_a_graph_that_differs_is_no_export(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Parity(batch_size=5, num_tokens=6, difference=2e-4)
    monkeypatch.setattr(export, "compared", lambda *_: far)
    with pytest.raises(RuntimeError, match=r"differs from PyTorch by 0\.0002 at batch 5 and texts of 6 tokens"):
        export.export_folder(folder.parent / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def rename(graph: onnx.GraphProto) -> None:
    graph.input[0].name = "image"
    for node in graph.node:
        node.input[:] = ["image" if name == "picture" else name for name in node.input]


def more_classes(graph: onnx.GraphProto) -> None:
    weights = {each.name: each for each in graph.initializer}
    last = next(node for node in reversed(graph.node) if "logits" in node.output)
    for name in last.input[1:]:
        array = onnx.numpy_helper.to_array(weights[name])
        axis = array.shape.index(2)
        weights[name].CopyFrom(onnx.numpy_helper.from_array(np.concatenate([array, array.take([0], axis)], axis), name))
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3


def one_at_a_time(graph: onnx.GraphProto) -> None:
    for each in graph.input:
        each.type.tensor_type.shape.dim[0].dim_value = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename, r"fp32\.onnx: input picture is missing"),
        (more_classes, r"fp32\.onnx: output logits is float\[any, 3\], not float\[any, 2\]"),
        (one_at_a_time, r"fp32\.onnx: input picture is float\[1, 3, 16, 16\], not float\[any, 3, 16, 16\]"),
    ],
)
def test_a_graph_with_another_signature_is_refused_by_name(change: Change, message: str, own: Path) -> None:
    with pytest.raises(ValueError, match=message):
        OnnxRuntime(changed(own, change), "fp32", 1)


def test_an_unchanged_graph_answers(own: Path) -> None:
    best, probabilities = predict(OnnxRuntime(changed(own, lambda _: None), "fp32", 1), picture(3), "good day")
    assert best in probabilities
