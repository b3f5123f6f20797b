"""What the configurations of a repository say, and what is refused before a server sees it."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from google.protobuf import text_format
from pydantic import ValidationError
from tritonclient.grpc import model_config_pb2 as triton

from tests.trainer.small_export import exported
from tests.trainer.triton.conftest import Changed
from trainer.__main__ import main
from trainer.config.serving import Serving
from trainer.export import copy
from trainer.manifest import MANIFEST, write_manifest
from trainer.runtimes import CARD
from trainer.triton.check import CONFIG, GRAPH, Refused, check_repository
from trainer.triton.configs import INPUTS, MODEL, PIPELINE
from trainer.triton.repository import write_repository


def config_of(repository: Path, model: str = MODEL) -> triton.ModelConfig:
    return text_format.Parse((repository / model / CONFIG).read_text(), triton.ModelConfig())


def tensors(given: object) -> dict[str, tuple[str, list[int]]]:
    return {each.name: (triton.DataType.Name(each.data_type), list(each.dims)) for each in given}  # type: ignore[attr-defined]


def test_the_model_takes_what_the_graph_takes_without_the_batch(repository: Path) -> None:
    config = config_of(repository)
    assert config.platform == "onnxruntime_onnx"
    assert tensors(config.input) == {
        "picture": ("TYPE_FP32", [3, 16, 16]),
        "tokens": ("TYPE_INT64", [-1]),
        "mask": ("TYPE_INT64", [-1]),
    }
    assert tensors(config.output) == {"logits": ("TYPE_FP32", [2]), "probabilities": ("TYPE_FP32", [2])}
    assert (repository / MODEL / "labels.txt").read_text() == "down\nup\n"
    assert config.output[1].label_filename == "labels.txt"


def test_the_pipeline_takes_bytes_and_a_sentence(repository: Path) -> None:
    config = config_of(repository, PIPELINE)
    assert tensors(config.input) == {"image": ("TYPE_STRING", [1]), "text": ("TYPE_STRING", [1])}
    assert [step.model_name for step in config.ensemble_scheduling.step] == [INPUTS, MODEL]


@pytest.mark.parametrize(("inputs", "names"), [("image", {"image"}), ("text", {"text"})])
def test_the_pipeline_asks_only_for_what_the_model_looks_at(inputs: str, names: set[str], tmp_path: Path) -> None:
    write_repository(exported(tmp_path, inputs=inputs), tmp_path / "models")
    assert set(tensors(config_of(tmp_path / "models", PIPELINE).input)) == names


def test_batching_and_instances_are_as_asked(export: Path, tmp_path: Path) -> None:
    asked = Serving(max_batch_size=8, preferred_batch_sizes=(8, 2), max_queue_delay_us=500, instances=3, num_threads=1)
    write_repository(export, tmp_path / "models", serving=asked)
    config = config_of(tmp_path / "models")
    assert config.max_batch_size == 8
    assert list(config.dynamic_batching.preferred_batch_size) == [2, 8]
    assert config.dynamic_batching.max_queue_delay_microseconds == 500
    assert [(group.count, group.kind) for group in config.instance_group] == [(3, triton.ModelInstanceGroup.KIND_CPU)]
    assert config.parameters["intra_op_thread_count"].string_value == "1"


def test_on_a_gpu_the_instances_are_the_gpus(export: Path, tmp_path: Path) -> None:
    write_repository(export, tmp_path / "models", serving=Serving(device="gpu"))
    assert config_of(tmp_path / "models").instance_group[0].kind == triton.ModelInstanceGroup.KIND_GPU
    assert config_of(tmp_path / "models", INPUTS).instance_group[0].kind == triton.ModelInstanceGroup.KIND_CPU


def test_cuda_graphs_have_fixed_shapes_and_a_plan_built_for_them(export: Path, tmp_path: Path) -> None:
    write_repository(export, tmp_path / "models", serving=Serving(device="gpu", cuda_graphs=True))
    config = config_of(tmp_path / "models")
    assert config.platform == "tensorrt_plan"
    assert tensors(config.input)["tokens"] == ("TYPE_INT64", [12])
    assert [spec.batch_size for spec in config.optimization.cuda.graph_spec] == [1, 4, 8, 16]
    assert list(config.optimization.cuda.graph_spec[0].input["picture"].dim) == [3, 16, 16]
    script = (tmp_path / "models" / MODEL / "1" / "build-plan.sh").read_text()
    assert "--maxShapes=picture:16x3x16x16,tokens:16x12,mask:16x12" in script


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_batch_size": 4, "preferred_batch_sizes": (8,)}, "preferred_batch_sizes must not exceed"),
        ({"cuda_graphs": True}, "cuda_graphs need the device gpu"),
        ({"max_batch_size": 0}, "max_batch_size"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Serving.model_validate(fields)


def test_another_export_becomes_the_next_version(export: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    assert [write_repository(export, folder), write_repository(export, folder), write_repository(export, folder, version=7)] == [1, 2, 7]
    assert {path.parent.name for path in (folder / MODEL).glob(f"*/{GRAPH}")} == {"1", "2", "7"}
    with pytest.raises(ValueError, match="has a version 7 already"):
        write_repository(export, folder, version=7)


def test_a_version_of_another_shape_does_not_get_between_the_others(export: Path, tmp_path: Path) -> None:
    write_repository(export, tmp_path / "models")
    before = (tmp_path / "models" / MODEL / CONFIG).read_text()
    with pytest.raises(Refused, match=r"version 1 does not fit the new sentiment_model/config\.pbtxt"):
        write_repository(exported(tmp_path, inputs="image"), tmp_path / "models")
    assert (tmp_path / "models" / MODEL / CONFIG).read_text() == before
    assert not (tmp_path / "models" / MODEL / "2").exists()


def of_one_length(export: Path, folder: Path) -> Path:
    """An export whose graph takes texts of the full length alone, as an INT8 one may."""
    copy(export, folder)
    model = onnx.load(folder / "fp32.onnx")
    for given in model.graph.input[1:]:
        given.type.tensor_type.shape.dim[1].dim_value = 12
    onnx.save(model, folder / "fp32.onnx")
    (folder / MANIFEST).unlink()
    write_manifest(folder)
    return folder


@pytest.mark.parametrize("fixed_first", [True, False])
def test_versions_of_one_length_and_of_any_are_served_side_by_side(fixed_first: bool, export: Path, tmp_path: Path) -> None:
    exports = [of_one_length(export, tmp_path / "fixed"), export]
    for each in exports if fixed_first else exports[::-1]:
        write_repository(each, tmp_path / "models")
    assert tensors(config_of(tmp_path / "models").input)["tokens"] == ("TYPE_INT64", [12])
    assert check_repository(tmp_path / "models") == [PIPELINE, INPUTS, MODEL]


def test_a_folder_of_something_else_is_left_alone(export: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        write_repository(export, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def gated(export: Path, folder: Path, *, passes: bool) -> Path:
    """An export with an INT8 version on which the gate has given its verdict."""
    copy(export, folder)
    card = json.loads((folder / CARD).read_text())
    (folder / "int8.onnx").write_bytes((folder / "fp32.onnx").read_bytes())
    gate = {"max_drop": 0.6, "drops": {"int8-ptq": 1.4}, "winner": "int8-ptq", "passes": passes}
    (folder / CARD).write_text(json.dumps(card | {"files": {"fp32": "fp32.onnx", "int8": "int8.onnx"}, "gate": gate}))
    (folder / MANIFEST).unlink()
    write_manifest(folder)
    return folder


def test_an_int8_that_did_not_pass_the_gate_is_not_served(export: Path, tmp_path: Path) -> None:
    folder = gated(export, tmp_path / "gated", passes=False)
    with pytest.raises(ValueError, match=r"int8 lost 1\.4 points of accuracy, more than the 0\.6 of the export gate"):
        write_repository(folder, tmp_path / "models", "int8")
    write_repository(folder, tmp_path / "models", "fp32")


def test_an_int8_that_passed_the_gate_is_served(export: Path, tmp_path: Path) -> None:
    assert write_repository(gated(export, tmp_path / "gated", passes=True), tmp_path / "models", "int8") == 1


def test_a_precision_that_was_not_exported_is_named(export: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no int8 version; it has fp32"):
        write_repository(export, tmp_path / "models", "int8")


@pytest.mark.parametrize(
    ("old", "new", "level", "message"),
    [
        ("max_batch_size", "max_batchsize", 1, r'sentiment_model/config\.pbtxt:\d+:\d+ : .*no field named "max_batchsize"'),
        ("TYPE_FP32", "TYPE_FP31", 1, r"config\.pbtxt:\d+:\d+ : .*no value named TYPE_FP31|config\.pbtxt:\d+:\d+ : .*TYPE_FP31"),
        ("max_batch_size: 16", "max_batch_size: -3", 1, "max_batch_size is -3"),
        ("dims: 16", "dims: 0", 1, r"picture has the dims \[3, 0, 16\]"),
        ('name: "picture"', 'name: "image"', 2, "input image is not in the graph, which has picture, tokens, mask"),
        ("TYPE_INT64", "TYPE_INT32", 2, "input tokens has the type TYPE_INT32, in the graph TYPE_INT64"),
        ("dims: 16", "dims: 32", 2, r"input picture has the dims \[3, 32, 16\], in the graph \[3, 16, 16\]"),
        ("max_batch_size: 16", "max_batch_size: 0", 2, r"input picture has the dims \[3, 16, 16\], in the graph \[-1, 3, 16, 16\]"),
    ],
)
def test_what_is_wrong_is_refused_at_its_level(old: str, new: str, level: int, message: str, changed: Changed) -> None:
    with pytest.raises(Refused, match=message) as refused:
        check_repository(changed(old, new))
    assert refused.value.level == level


def test_an_input_that_is_left_out_is_named(repository: Path, changed: Changed) -> None:
    text = (repository / MODEL / CONFIG).read_text()
    block = text[text.index('input {\n  name: "mask"') : text.index("output {")]
    with pytest.raises(Refused, match="the graph's input mask is missing"):
        check_repository(changed(block, ""))


def test_the_verbs_write_and_check(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "models"
    options = ["--format", "triton", "--max-batch-size", "8", "--preferred-batch-sizes", "4,8"]
    assert main(["export", str(export), "--to", str(folder), *options]) == 0
    assert list(config_of(folder).dynamic_batching.preferred_batch_size) == [4, 8]
    assert main(["check-triton", str(folder)]) == 0
    assert "sentiment_model: right" in capsys.readouterr().out
    assert main(["export", str(export), "--to", str(folder), "--format", "triton", "--instances", "0"]) == 2
    assert "instances: Input should be greater than or equal to 1" in capsys.readouterr().err


def test_a_train_folder_is_exported_on_the_way(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(export.parent / "run"), "--to", str(tmp_path / "models"), "--format", "triton"]) == 0
    assert config_of(tmp_path / "models").max_batch_size == 16
    arguments = ["export", str(export.parent / "run"), "--to", str(tmp_path / "int8"), "--format", "triton", "--precision", "int8"]
    assert main(arguments) == 2
    assert "holds no int8 model: run `quantize` first" in capsys.readouterr().err
