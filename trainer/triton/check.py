"""Whether a model repository is right, in levels: each configuration by itself, against its graph, then in a server (`server.py`)."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as triton

from trainer.signature import DYNAMIC, Signature, Tensor
from trainer.triton.configs import TYPES
from trainer.triton.graph import load_graph, signature_of

CONFIG, GRAPH = "config.pbtxt", "model.onnx"


class Refused(ValueError):
    """A configuration that is wrong, with the level (1 form, 2 graph, 3 server) that found it."""

    def __init__(self, level: int, message: str) -> None:
        super().__init__(message)
        self.level = level


def check_repository(repository: Path) -> list[str]:
    """Levels 1 and 2 of every model; returns their names. Raises Refused, naming the model and what is wrong in it."""
    folders = sorted(path.parent for path in repository.glob(f"*/{CONFIG}"))
    if not folders:
        raise ValueError(f"{repository} is no model repository: it holds no {CONFIG}")
    for folder in folders:
        config = parse(folder / CONFIG)
        for graph in sorted(folder.glob(f"*/{GRAPH}")):
            check_against(config, signature_of(load_graph(graph)), f"{folder.name}/{CONFIG}")
    return [folder.name for folder in folders]


def parse(path: Path) -> triton.ModelConfig:
    """Level 1: fields, enumerations and types, with line and column of what is wrong; and numbers that no model can have."""
    place = f"{path.parent.name}/{path.name}"
    try:
        config = text_format.Parse(path.read_text(), triton.ModelConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise Refused(1, f"{place}:{error}") from error
    if config.max_batch_size < 0:
        raise Refused(1, f"{place}: max_batch_size is {config.max_batch_size}")
    for tensor in (*config.input, *config.output):
        if any(dim == 0 or dim < DYNAMIC for dim in tensor.dims):
            raise Refused(1, f"{place}: {tensor.name} has the dims {list(tensor.dims)}; a dimension is -1 or greater than 0")
    return config


def check_against(config: triton.ModelConfig, signature: Signature, place: str) -> None:
    """Level 2: names, number types and dimensions are the graph's; an input must not be left out, an output may."""
    for kind, configured, graph in (("input", config.input, signature.inputs), ("output", config.output, signature.outputs)):
        found = {tensor.name: tensor for tensor in graph}
        for tensor in configured:
            if tensor.name not in found:
                raise Refused(2, f"{place}: {kind} {tensor.name} is not in the graph, which has {', '.join(found)}")
            check_tensor(tensor, found[tensor.name], config.max_batch_size > 0, f"{place}: {kind} {tensor.name}")
        if kind == "input" and (missing := found.keys() - {tensor.name for tensor in configured}):
            raise Refused(2, f"{place}: the graph's input {min(missing)} is missing")


def check_tensor(configured: triton.ModelInput | triton.ModelOutput, found: Tensor, batched: bool, place: str) -> None:
    number = triton.DataType.Name(configured.data_type)
    if number != TYPES[found.type]:
        raise Refused(2, f"{place} has the type {number}, in the graph {TYPES[found.type]}")
    if batched and found.dims[0] != DYNAMIC:
        raise Refused(2, f"{place} takes batches, in the graph only {found.dims[0]} samples")
    dims = found.dims[1:] if batched else found.dims
    if len(dims) != len(configured.dims) or any(dim not in (DYNAMIC, said) for said, dim in zip(configured.dims, dims, strict=True)):
        raise Refused(2, f"{place} has the dims {list(configured.dims)}, in the graph {list(dims)}")
