"""What a graph holds in which number format: layers that stayed float, by name, and the bytes of embeddings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

ROUNDED = "_quant"  # what ONNX Runtime's dynamic quantization puts behind the name of a node that it replaces
SCOPES = "pkg.torch.onnx.name_scopes"
WRAPPER = "network."
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)
BYTES = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)


def float_layers(whole: Path, quantized: Path) -> list[str]:
    """Returns the layers with weights of `whole`, an FP32 graph, of whose weights `quantized` keeps none in bytes, in their order."""
    layers = dict(layer_nodes(onnx.load(whole).graph))
    rounded = {scope_of(node) or layers.get(node.name.removesuffix(ROUNDED), "") for node in nodes_with_bytes(onnx.load(quantized).graph)}
    return [layer for layer in dict.fromkeys(layers.values()) if layer not in rounded]


def layer_nodes(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Yields the name of each node that uses weights, and the layer whose weights they are.

    A node that has nothing but constants is no user: what it cuts or turns (the weights of an attention, say) is its layer's still.
    """
    constants = {each.name: each for each in graph.initializer}
    owners = {name: module_of(name) for name, each in constants.items() if each.data_type in FLOATS and name.startswith(WRAPPER)}
    unnamed = {name for name, each in constants.items() if each.data_type in FLOATS and len(each.dims) > 1} - owners.keys()
    known = set(constants)
    for node in graph.node:
        layer = next((owners[name] for name in node.input if name in owners), "")
        if not layer and unnamed & set(node.input):  # a weight that was turned around has lost its name, its node has not
            layer = scope_of(node)
        if set(node.input) <= known:
            known |= set(node.output)
            owners |= dict.fromkeys(node.output, layer) if layer else {}
        elif layer:
            yield node.name, layer


def module_of(parameter: str) -> str:
    return parameter.rpartition(".")[0].removeprefix(WRAPPER)


def scope_of(node: onnx.NodeProto) -> str:
    """Returns the innermost module that a node was traced in; empty where the graph no longer says so."""
    told = next((each.value for each in node.metadata_props if each.key == SCOPES), "[]")
    scopes: list[str] = ast.literal_eval(told)
    return next((scope.removeprefix(WRAPPER) for scope in reversed(scopes) if scope.startswith(WRAPPER)), "")


def nodes_with_bytes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yields the nodes that take a weight of bytes: as it is, or as it comes out of nodes that have nothing but constants."""
    known = {each.name for each in graph.initializer}
    of_bytes = {each.name for each in graph.initializer if each.data_type in BYTES and len(each.dims) > 1}
    for node in graph.node:
        takes = bool(of_bytes & set(node.input))
        if set(node.input) <= known:
            known |= set(node.output)
            of_bytes |= set(node.output) if takes else set()
        elif takes:
            yield node


def embedding_bytes(path: Path) -> int:
    """Returns the bytes of the tables that rows are gathered from."""
    graph = onnx.load(path).graph
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    tables = {sources.get(node.input[0], node.input[0]) for node in graph.node if node.op_type == "Gather"}
    return sum(num_bytes(each) for each in graph.initializer if each.name in tables and len(each.dims) > 1)


def num_bytes(tensor: onnx.TensorProto) -> int:
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    return int(np.prod(tensor.dims)) * kind.itemsize
