"""Embeddings in bytes: rows are gathered as 8-bit integers and made floats behind it, so only the rows that are asked for are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from trainer.quantization.layers import SCOPES

LARGEST = 127


def round_tables(path: Path) -> None:
    """Replaces each table of floats (rows, width) that rows are gathered from; a scale for each column, symmetric about 0."""
    model = onnx.load(path)
    graph = model.graph
    tables = {each.name: each for each in graph.initializer if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) == 2}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes.append(rounded(graph, node, tables[node.input[0]]))
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph, tables)
    drop_notes(graph)
    onnx.save(model, path)


def rounded(graph: onnx.GraphProto, node: onnx.NodeProto, table: onnx.TensorProto) -> onnx.NodeProto:
    """Has the node gather bytes, and returns the one that makes floats of them."""
    weights = numpy_helper.to_array(table)
    scale = np.maximum(np.abs(weights).max(0) / LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    names = (f"{table.name}_bytes", f"{table.name}_scale")
    if names[0] not in {each.name for each in graph.initializer}:
        in_bytes = np.clip(np.round(weights / scale), -LARGEST, LARGEST).astype(np.int8)
        graph.initializer.extend(numpy_helper.from_array(array, name) for array, name in zip((in_bytes, scale), names, strict=True))
    output, node.input[0], node.output[0] = node.output[0], names[0], f"{node.output[0]}_bytes"
    return helper.make_node("DequantizeLinear", [node.output[0], names[1]], [output], name=f"{node.name}_floats", axis=-1)


def drop_unused(graph: onnx.GraphProto, tables: dict[str, onnx.TensorProto]) -> None:
    used = {name for node in graph.node for name in node.input}
    for name, table in tables.items():
        if name not in used:
            graph.initializer.remove(table)


def drop_notes(graph: onnx.GraphProto) -> None:
    """The exporter writes to each node where in the program it came from: of a small model that is most of the file."""
    for node in graph.node:
        kept = [each for each in node.metadata_props if each.key == SCOPES]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
