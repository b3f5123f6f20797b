"""Judges the files of a model by what they hold, whatever they are called. Torch-free: nothing is unpickled, nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from trainer.manifest import Damaged
from trainer.runtimes import ModelCard
from trainer.signature import DYNAMIC, Signature, Tensor, check_signature

# How `pickle` and what `torch.save` makes begin: named in the refusal, because they run code where they are read.
PICKLES = (b"\x80", b"PK\x03\x04")


def check(path: Path, card: ModelCard | None = None) -> None:
    """Raises Damaged, naming the file, unless it is what its ending says; an ONNX graph must have the signature of the card."""
    if path.is_symlink() or not path.is_file():
        raise Damaged(f"{path.name} is no file")
    if path.suffix not in CHECKS:
        raise Damaged(f"{path.name} is neither safetensors nor ONNX nor JSON")
    CHECKS[path.suffix](path)
    if path.suffix == ".onnx" and card:
        check_graph(path, card)


def check_safetensors(path: Path) -> None:
    """The header must be JSON that names every byte of the file once, as the library reads it."""
    try:
        with safe_open(path, framework="numpy") as file:
            list(file.keys())
    except SafetensorError as error:
        raise Damaged(f"{path.name} is {'a pickle and ' if is_pickle(path) else ''}no safetensors file") from error


def check_json(path: Path) -> None:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path.name} is no JSON") from error


def check_onnx(path: Path) -> None:
    signature_of(path)


def check_graph(path: Path, card: ModelCard) -> None:
    """Raises Damaged for a graph whose inputs or outputs are not those that the card promises."""
    try:
        check_signature(signature_of(path), card, path.name)
    except ValueError as error:
        raise Damaged(str(error)) from error


def signature_of(path: Path) -> Signature:
    """Reads a graph without running it; weights that lie in files beside it are not looked for. Raises Damaged."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except DecodeError as error:
        raise Damaged(f"{path.name} is {'a pickle and ' if is_pickle(path) else ''}no ONNX graph") from error
    if not graph.node or not graph.output:
        raise Damaged(f"{path.name} is no ONNX graph")
    return Signature(tuple(map(tensor_of, graph.input)), tuple(map(tensor_of, graph.output)))


def tensor_of(value: Any) -> Tensor:
    """Takes an `onnx.ValueInfoProto`."""
    import onnx

    described = value.type.tensor_type
    name = onnx.TensorProto.DataType.Name(described.elem_type).lower()
    return Tensor(value.name, name, tuple(dim.dim_value or DYNAMIC for dim in described.shape.dim))


def is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(PICKLES)


CHECKS: dict[str, Callable[[Path], None]] = {".safetensors": check_safetensors, ".json": check_json, ".onnx": check_onnx}
