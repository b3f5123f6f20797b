"""Judges the files of a model by what they hold, whatever they are called. Torch-free: nothing is unpickled, nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from trainer.manifest import Damaged
from trainer.runtimes import ModelCard

# How `pickle` and what `torch.save` makes begin: named in the refusal, because they run code where they are read.
PICKLES = (b"\x80", b"PK\x03\x04")


def check(path: Path, card: ModelCard | None = None) -> None:
    """Raises Damaged, naming the file, unless it is what its ending says; an ONNX graph must take the inputs of the card."""
    if path.is_symlink() or not path.is_file():
        raise Damaged(f"{path.name} is no file")
    if path.suffix not in CHECKS:
        raise Damaged(f"{path.name} is neither safetensors nor ONNX nor JSON")
    CHECKS[path.suffix](path)
    if path.suffix == ".onnx" and card:
        check_signature(path, card)


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
    graph_inputs(path)


def check_signature(path: Path, card: ModelCard) -> None:
    found = graph_inputs(path)
    if found != list(card.names):
        raise Damaged(f"{path.name} takes {', '.join(found)}, and its card says {', '.join(card.names)}")


def graph_inputs(path: Path) -> list[str]:
    """Returns the names of the graph's inputs, in order. Weights that lie in files beside it are not looked for."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except DecodeError as error:
        raise Damaged(f"{path.name} is {'a pickle and ' if is_pickle(path) else ''}no ONNX graph") from error
    if not graph.node or not graph.output:
        raise Damaged(f"{path.name} is no ONNX graph")
    return [each.name for each in graph.input]


def is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(PICKLES)


CHECKS: dict[str, Callable[[Path], None]] = {".safetensors": check_safetensors, ".json": check_json, ".onnx": check_onnx}
