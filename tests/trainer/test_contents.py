"""A model's files are judged by what they hold: what is no safetensors, ONNX or JSON is refused by name, whatever it is called."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from safetensors.numpy import save_file

from tests.registry.made import graph
from trainer import contents
from trainer.manifest import Damaged
from trainer.runtimes import ModelCard

PICKLE = pickle.dumps({"weight": [1.0, 2.0]})
CARD = ModelCard(inputs="image_and_text", classes=("down", "level", "up"), image_size=32, max_tokens=8)


def weights(folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_file({"weight": np.arange(12, dtype=np.float32), "bias": np.zeros(3, np.float32)}, path)
    return path


def test_what_the_trainer_writes_is_taken(tmp_path: Path) -> None:
    onnx.save(graph(CARD.names), tmp_path / "int8.onnx")
    (tmp_path / "state.json").write_text('{"step": 1}')
    for path in (weights(tmp_path), tmp_path / "int8.onnx", tmp_path / "state.json"):
        contents.check(path, CARD)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx", ".json"])
@pytest.mark.parametrize("written", [PICKLE, b"PK\x03\x04", b"", b"\x00" * 64, b"<svg onload=alert(1)>", b"\xff" * 4096])
def test_what_is_something_else_is_refused_by_name(tmp_path: Path, suffix: str, written: bytes) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(written)
    with pytest.raises(Damaged, match=rf"model\{suffix} is "):
        contents.check(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
@pytest.mark.parametrize("written", [PICKLE, b"PK\x03\x04 a zip, as torch.save writes it"])
def test_a_pickle_is_called_one(tmp_path: Path, suffix: str, written: bytes) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(written)
    with pytest.raises(Damaged, match="is a pickle and no"):
        contents.check(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(Damaged):
        contents.check(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\x00", lambda data: data[: len(data) // 2]])
def test_safetensors_that_are_shorter_or_longer_than_their_header_says_are_refused(tmp_path: Path, change) -> None:
    path = weights(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(Damaged, match=r"model\.safetensors is no safetensors file"):
        contents.check(path)


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    header = json.dumps({"weight": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(Damaged):
        contents.check(path)
    path.write_bytes(struct.pack("<Q", 2**63) + header)
    with pytest.raises(Damaged):
        contents.check(path)


@pytest.mark.parametrize(
    ("inputs", "shapes", "said"),
    [
        (("tokens", "mask"), {}, "input picture is missing"),
        (("picture", "tokens", "mask", "more"), {"more": (TensorProto.FLOAT, ["batch"])}, "input more is not in the model's card"),
        (CARD.names, {"picture": (TensorProto.FLOAT, ["batch", 3, 64, 64])}, "input picture is float"),
        (CARD.names, {"tokens": (TensorProto.FLOAT, ["batch", "length"])}, "input tokens is float"),
        (CARD.names, {"logits": (TensorProto.FLOAT, ["batch", 2])}, "output logits is float"),
    ],
)
def test_an_onnx_graph_with_another_signature_than_its_card_is_refused(
    tmp_path: Path, inputs: tuple[str, ...], shapes: dict[str, tuple[int, list[object]]], said: str
) -> None:
    onnx.save(graph(inputs, **shapes), tmp_path / "int8.onnx")
    with pytest.raises(Damaged, match=rf"int8\.onnx: {said}"):
        contents.check(tmp_path / "int8.onnx", CARD)


def test_other_kinds_of_file_and_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(PICKLE)
    with pytest.raises(Damaged, match=r"model\.bin is neither safetensors nor ONNX nor JSON"):
        contents.check(tmp_path / "model.bin")
    weights(tmp_path).rename(tmp_path / "other.safetensors")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "other.safetensors")
    with pytest.raises(Damaged, match=r"model\.safetensors is no file"):
        contents.check(tmp_path / "model.safetensors")


def test_json_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[" * 200_000)
    with pytest.raises(Damaged, match=r"state\.json is no JSON"):
        contents.check(tmp_path / "state.json")
