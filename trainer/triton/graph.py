"""The graph that is served: the exported one with the probabilities beside the logits, and the signature that it has."""

from __future__ import annotations

from pathlib import Path

import onnx

from trainer.signature import DYNAMIC, Signature, Tensor

NUMBERS: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
}


def with_probabilities(model: onnx.ModelProto) -> onnx.ModelProto:
    """Adds a softmax of the logits (B, K) as a second output, so that a client needs no code of its own for it."""
    [logits] = [output for output in model.graph.output if output.name == "logits"]
    model.graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["probabilities"], name="probabilities", axis=-1))
    probabilities = model.graph.output.add()
    probabilities.CopyFrom(logits)
    probabilities.name = "probabilities"
    return model


def signature_of(model: onnx.ModelProto) -> Signature:
    """Raises ValueError for a number type that is not served."""
    weights = {each.name for each in model.graph.initializer}
    inputs = tuple(tensor_of(value) for value in model.graph.input if value.name not in weights)
    return Signature(inputs, tuple(tensor_of(value) for value in model.graph.output))


def tensor_of(value: onnx.ValueInfoProto) -> Tensor:
    found = value.type.tensor_type
    if found.elem_type not in NUMBERS:
        raise ValueError(f"{value.name} has numbers of a type that is not served: {onnx.TensorProto.DataType.Name(found.elem_type)}")
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else DYNAMIC for dim in found.shape.dim)
    return Tensor(value.name, NUMBERS[found.elem_type], dims)


def load_graph(path: Path) -> onnx.ModelProto:
    """Raises ValueError, naming the file, for what is no ONNX."""
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf's DecodeError is of its C library, and has no one name
        raise ValueError(f"{path.name} is no ONNX graph: {error}") from error
