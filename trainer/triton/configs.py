"""The configurations of the three models of a repository, as Triton's own protobuf type: made from the graph's signature."""

from __future__ import annotations

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as triton

from trainer.config.serving import Serving
from trainer.signature import DYNAMIC, Signature, Tensor

PIPELINE, INPUTS, MODEL = "sentiment", "sentiment_inputs", "sentiment_model"
LABELS = "labels.txt"
TYPES = {"float": "TYPE_FP32", "float16": "TYPE_FP16", "int64": "TYPE_INT64", "int32": "TYPE_INT32", "string": "TYPE_STRING"}
# What a client sends, by what the model looks at.
RAW = {"picture": "image", "tokens": "text"}
NUM_VERSIONS = 2


def config_of_model(signature: Signature, serving: Serving, num_tokens: int) -> triton.ModelConfig:
    """The graph itself: its inputs and outputs without the batch. Texts keep any length, but for the fixed shapes of CUDA graphs."""
    config = base(MODEL, serving)
    config.platform = "tensorrt_plan" if serving.cuda_graphs else "onnxruntime_onnx"
    add_tensors(config, signature, num_tokens if serving.cuda_graphs else DYNAMIC)
    next(output for output in config.output if output.name == "probabilities").label_filename = LABELS
    batch_dynamically(config, serving)
    kind = triton.ModelInstanceGroup.KIND_GPU if serving.device == "gpu" else triton.ModelInstanceGroup.KIND_CPU
    config.instance_group.add(count=serving.instances, kind=kind)
    if serving.num_threads and serving.device == "cpu":
        config.parameters["intra_op_thread_count"].string_value = str(serving.num_threads)
    if serving.cuda_graphs:
        record_graphs(config, serving)
    return config


def config_of_inputs(signature: Signature, serving: Serving, num_tokens: int) -> triton.ModelConfig:
    """The preprocessing in Python. Its processes cannot share an interpreter, so as many as instances work side by side."""
    config = base(INPUTS, serving)
    config.backend = "python"
    add_raw(config, signature)
    for tensor in signature.inputs:
        config.output.append(triton.ModelOutput(name=tensor.name, data_type=number_of(tensor), dims=without_batch(tensor, num_tokens)))
    config.instance_group.add(count=serving.instances, kind=triton.ModelInstanceGroup.KIND_CPU)
    return config


def config_of_pipeline(signature: Signature, serving: Serving) -> triton.ModelConfig:
    """Raw bytes and a sentence in, logits and probabilities out."""
    config = base(PIPELINE, serving)
    config.platform = "ensemble"
    add_raw(config, signature)
    for tensor in signature.outputs:
        labels = LABELS if tensor.name == "probabilities" else ""
        dims = without_batch(tensor, DYNAMIC)
        config.output.append(triton.ModelOutput(name=tensor.name, data_type=number_of(tensor), dims=dims, label_filename=labels))
    first = config.ensemble_scheduling.step.add(model_name=INPUTS, model_version=-1)
    second = config.ensemble_scheduling.step.add(model_name=MODEL, model_version=-1)
    for given in config.input:
        first.input_map[given.name] = given.name
    for tensor in signature.inputs:
        first.output_map[tensor.name] = second.input_map[tensor.name] = tensor.name
    for made in config.output:
        second.output_map[made.name] = made.name
    return config


def base(name: str, serving: Serving) -> triton.ModelConfig:
    """The newest versions are served side by side, so that clients of the one before are not cut off."""
    latest = triton.ModelVersionPolicy(latest=triton.ModelVersionPolicy.Latest(num_versions=NUM_VERSIONS))
    return triton.ModelConfig(name=name, max_batch_size=serving.max_batch_size, version_policy=latest)


def add_tensors(config: triton.ModelConfig, signature: Signature, num_tokens: int) -> None:
    for tensor in signature.inputs:
        config.input.append(triton.ModelInput(name=tensor.name, data_type=number_of(tensor), dims=without_batch(tensor, num_tokens)))
    for tensor in signature.outputs:
        config.output.append(triton.ModelOutput(name=tensor.name, data_type=number_of(tensor), dims=without_batch(tensor, num_tokens)))


def add_raw(config: triton.ModelConfig, signature: Signature) -> None:
    for name in (RAW[tensor.name] for tensor in signature.inputs if tensor.name in RAW):
        config.input.append(triton.ModelInput(name=name, data_type=triton.TYPE_STRING, dims=[1]))


def number_of(tensor: Tensor) -> int:
    number: int = triton.DataType.Value(TYPES[tensor.type])
    return number


def without_batch(tensor: Tensor, num_tokens: int) -> list[int]:
    return [num_tokens if dim == DYNAMIC else dim for dim in tensor.dims[1:]]


def batch_dynamically(config: triton.ModelConfig, serving: Serving) -> None:
    config.dynamic_batching.preferred_batch_size.extend(sorted(set(serving.preferred_batch_sizes)))
    config.dynamic_batching.max_queue_delay_microseconds = serving.max_queue_delay_us


def record_graphs(config: triton.ModelConfig, serving: Serving) -> None:
    """One graph for each preferred batch size. Only Triton's TensorRT backend replays them: ONNX Runtime's would replay old addresses."""
    config.optimization.cuda.graphs = True
    for size in sorted({1, *serving.preferred_batch_sizes}):
        spec = config.optimization.cuda.graph_spec.add(batch_size=size)
        for given in config.input:
            spec.input[given.name].dim.extend(given.dims)


def as_text(config: triton.ModelConfig) -> str:
    text: str = text_format.MessageToString(config)
    return text
