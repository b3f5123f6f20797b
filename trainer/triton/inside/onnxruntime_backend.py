"""Our stand-in for Triton's ONNX Runtime backend, which the server from PyPI does not bring: it runs the graph, all else is Triton's own.

It lies in the backend directory as `onnxruntime/model.py`. Triton parses the configuration, forms the batches, counts and answers;
this file makes a session, holds the configuration against the graph as NVIDIA's backend does, and computes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton

TYPES = {"tensor(float)": "TYPE_FP32", "tensor(float16)": "TYPE_FP16", "tensor(int64)": "TYPE_INT64", "tensor(int32)": "TYPE_INT32"}


class TritonPythonModel:
    """One instance of a model: the class's name and its methods are those that Triton calls."""

    def initialize(self, args: dict[str, str]) -> None:
        config = json.loads(args["model_config"])
        file = Path(args["model_repository"]) / args["model_version"] / (config["default_model_filename"] or "model.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        threads = config["parameters"].get("intra_op_thread_count", {}).get("string_value", "0")
        options.intra_op_num_threads = int(threads)
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        batched = config["max_batch_size"] > 0
        for kind, nodes in (("input", self.session.get_inputs()), ("output", self.session.get_outputs())):
            for configured in config[kind]:
                check(kind, configured, {node.name: node for node in nodes}, batched)
        self.inputs = [node.name for node in self.session.get_inputs()]
        self.outputs = [output["name"] for output in config["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Triton hands over the requests of one batch; they are computed as one and taken apart again."""
        given = [{name: triton.get_input_tensor_by_name(each, name).as_numpy() for name in self.inputs} for each in requests]
        whole = {name: np.concatenate([arrays[name] for arrays in given]) for name in self.inputs}
        made = self.session.run(self.outputs, whole)
        ends = np.cumsum([len(arrays[self.inputs[0]]) for arrays in given])[:-1]
        parts = zip(*(np.split(array, ends) for array in made), strict=True)
        return [
            triton.InferenceResponse([triton.Tensor(name, array.copy()) for name, array in zip(self.outputs, part, strict=True)])
            for part in parts
        ]


def check(kind: str, configured: dict[str, Any], nodes: dict[str, Any], batched: bool) -> None:
    node = nodes.get(configured["name"])
    if node is None:
        raise triton.TritonModelException(f"unexpected {kind} '{configured['name']}', the model has {', '.join(nodes)}")
    if TYPES.get(node.type) != configured["data_type"]:
        raise triton.TritonModelException(f"{kind} '{node.name}': the configuration says {configured['data_type']}, the model {node.type}")
    dims, found = [int(dim) for dim in configured["dims"]], node.shape[1 if batched else 0 :]
    fits = len(dims) == len(found) and all(not isinstance(dim, int) or dim == said for said, dim in zip(dims, found, strict=True))
    if not fits:
        raise triton.TritonModelException(f"{kind} '{node.name}': the configuration says dims {dims}, the model {found}")
