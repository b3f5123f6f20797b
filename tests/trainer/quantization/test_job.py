"""A trained model becomes ONNX and INT8, each precision is measured, and what is written is what was measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.trainer.conftest import Make, write_job
from trainer.__main__ import main
from trainer.data.reading import open_dataset
from trainer.events import FILE_NAME, GRAD_NORM, LEARNING_RATE, LOSS, SAMPLES_PER_SECOND
from trainer.inputs import to_arrays
from trainer.manifest import Damaged, verify
from trainer.predict import load
from trainer.runtimes import OnnxRuntime, TorchRuntime

INPUTS = ["image_and_text", "image", "text"]


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()]


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {event["precision"]: event for event in events_of(folder) if event["kind"] == "measured"}


def inputs_of(runtime: OnnxRuntime, size: int) -> dict[str, np.ndarray]:
    rng, card = np.random.default_rng(7), runtime.card
    every = {
        "picture": rng.standard_normal((size, 3, card.image_size, card.image_size), np.float32),
        "tokens": rng.integers(0, 2000, (size, card.max_tokens)),
        "mask": np.ones((size, card.max_tokens), np.int64),
    }
    return {name: every[name] for name in card.names}


def test_every_precision_is_measured_on_the_whole_test_split(quantized: Make) -> None:
    rows = rows_of(quantized("image_and_text"))
    assert list(rows) == ["fp32_eager", "fp32", "bf16", "int8_ptq", "int8_qat"]
    for row in rows.values():
        assert row["num_samples"] == 466
        for kind in ("latency", "batch"):
            assert 0 < row[f"{kind}_ms_p50"] <= row[f"{kind}_ms_p99"]
        assert row["batch_size"] == 16
        assert row["throughput_per_s"] > 0
        assert row["cpu_ms_per_sample"] > 0
        assert row["peak_memory_bytes"] > row["size_bytes"] > row["embedding_bytes"] > 0
        for figure in ("accuracy", "macro_f1"):
            low, high = row[f"{figure}_interval"]
            assert 0 <= low <= row[figure] <= high <= 1
        assert list(row["f1_by_class"]) == ["negative", "neutral", "positive"]
        assert sum(row["f1_by_class"].values()) / 3 == pytest.approx(row["macro_f1"])
    assert {row["runtime"].split()[0] for row in rows.values()} == {"PyTorch", "ONNX"}
    assert rows["int8_qat"]["size_bytes"] < rows["fp32"]["size_bytes"] / 3
    assert rows["int8_qat"]["embedding_bytes"] * 4 <= rows["fp32"]["embedding_bytes"]
    assert rows["bf16"]["embedding_bytes"] * 2 == rows["fp32_eager"]["embedding_bytes"] == rows["fp32"]["embedding_bytes"]


def test_a_row_says_how_it_was_made_and_on_what(quantized: Make) -> None:
    rows = rows_of(quantized("image_and_text"))
    assert rows["int8_ptq"]["method"] == "MinMax, 16 samples"
    assert rows["int8_qat"]["method"] == "3 steps at 1e-05"
    card = open_dataset("composed-pairs", "train").card
    named = [{"name": "composed-pairs", "fingerprint": card.fingerprint}]
    assert rows["int8_ptq"]["calibration"] == {"split": "train", "num_samples": 16, "datasets": named}
    assert rows["int8_qat"]["calibration"] == {"split": "train", "num_samples": 24, "datasets": named}
    assert rows["fp32"]["calibration"] is None


def test_the_answers_of_a_row_are_measured_against_pytorch(quantized: Make) -> None:
    rows = rows_of(quantized("image_and_text"))
    assert (rows["fp32_eager"]["snr_db"], rows["fp32_eager"]["num_flipped"], rows["fp32_eager"]["drop_interval"]) == (None, 0, [0, 0])
    assert rows["fp32"]["snr_db"] > 80 > rows["bf16"]["snr_db"] > rows["int8_ptq"]["snr_db"] > 5


def test_the_training_with_rounding_is_told_as_a_stage_is(quantized: Make) -> None:
    events = events_of(quantized("image_and_text"))
    started = next(event for event in events if event["kind"] == "started")
    assert (started["num_steps"], started["first_step"], started["resumed_from"]) == (3, 1, None)
    assert 0 < started["num_trainable"] < started["num_parameters"]
    steps = [event for event in events if event["kind"] == "stepped"]
    assert [event["step"] for event in steps] == [1, 2, 3]
    assert steps[0]["metrics"].keys() >= {LOSS, LEARNING_RATE, GRAD_NORM, SAMPLES_PER_SECOND}
    rates = [event["metrics"][LEARNING_RATE] for event in steps]
    assert max(rates) == 1e-5
    assert rates[-1] == 0


def test_the_accuracy_of_fp32_is_that_of_the_training_run(quantized: Make, trained: Make) -> None:
    tested = next(event for event in events_of(trained("image_and_text")) if event.get("split") == "test")
    measured = next(event for event in events_of(quantized("image_and_text")) if event.get("precision") == "fp32")
    assert measured["accuracy"] == pytest.approx(tested["metrics"]["test/accuracy"])
    assert measured["macro_f1"] == pytest.approx(tested["metrics"]["test/macro_f1"])


def test_the_events_tell_what_is_being_done_and_end_with_the_files(quantized: Make) -> None:
    events = events_of(quantized("image_and_text"))
    assert [event["kind"] for event in events[-3:]] == ["judged", "exported", "finished"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sum(event["kind"] == "preparing" for event in events) >= 5
    for path in events[-2]["files"].values():
        assert (quantized("image_and_text") / path).is_file()


@pytest.mark.parametrize("inputs", INPUTS)
def test_the_graph_answers_as_pytorch_does_for_any_batch(inputs: str, quantized: Make, trained: Make) -> None:
    graph, network = (
        OnnxRuntime(quantized(inputs) / "export", "fp32", 1),
        TorchRuntime(trained(inputs) / "checkpoints" / "stage-1-step-000012"),
    )
    for size in (1, 3, 16):
        arrays = inputs_of(graph, size)
        assert np.abs(graph.logits(arrays) - network.logits(arrays)).max() < 1e-4
    assert graph.card.parity is not None
    assert graph.card.parity < 1e-4


@pytest.mark.parametrize(
    ("inputs", "names"), [("image_and_text", ["picture", "tokens", "mask"]), ("image", ["picture"]), ("text", ["tokens", "mask"])]
)
def test_the_graph_has_only_the_inputs_that_the_model_looks_at(inputs: str, names: list[str], quantized: Make) -> None:
    graph = onnx.load(quantized(inputs) / "export" / "int8_ptq.onnx").graph
    assert [given.name for given in graph.input] == names


def test_int8_is_in_the_graph_and_close_to_fp32(quantized: Make) -> None:
    folder = quantized("image_and_text") / "export"
    kinds = [node.op_type for node in onnx.load(folder / "int8_ptq.onnx").graph.node]
    assert kinds.count("DequantizeLinear") > 10
    whole, small = OnnxRuntime(folder, "fp32", 1), OnnxRuntime(folder, "int8", 1)
    arrays = real_inputs(whole, 64)
    exact, rounded = whole.logits(arrays), small.logits(arrays)
    assert 0 < np.abs(exact - rounded).mean() < 0.25 * exact.std()


def real_inputs(runtime: OnnxRuntime, size: int) -> dict[str, np.ndarray]:
    """Test pairs: on noise the calibrated ranges would not hold."""
    rows = open_dataset("composed-pairs", "test")
    assert rows.texts is not None
    each = [to_arrays(runtime.card, runtime.tokenizer, rows.image(number), rows.texts[number]) for number in range(size)]
    return {name: np.concatenate([arrays[name] for arrays in each]) for name in runtime.card.names}


def test_a_changed_byte_in_an_export_is_noticed(quantized: Make, tmp_path: Path) -> None:
    assert main(["export", str(quantized("image_and_text")), "--to", str(tmp_path / "copy")]) == 0
    with (tmp_path / "copy" / "int8_qat.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff\x00\xff")
    with pytest.raises(Damaged, match=r"int8_qat\.onnx is not what was saved"):
        OnnxRuntime(tmp_path / "copy", "int8")


def test_export_copies_a_quantization_whole(quantized: Make, tmp_path: Path) -> None:
    assert main(["export", str(quantized("image_and_text")), "--to", str(tmp_path / "copy")]) == 0
    verify(tmp_path / "copy")
    present = {path.name for path in (tmp_path / "copy").iterdir()}
    assert present == {"fp32.onnx", "int8_ptq.onnx", "int8_qat.onnx", "bf16.safetensors", "model.json", "tokenizer.json", "manifest.json"}


def test_export_of_a_train_folder_writes_fp32(trained: Make, tmp_path: Path) -> None:
    assert main(["export", str(trained("text")), "--to", str(tmp_path / "out")]) == 0
    assert load(tmp_path / "out").card.files == {"fp32": "fp32.onnx"}


def test_export_does_not_overwrite(quantized: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["export", str(quantized("image_and_text")), "--to", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_task_without_a_classifier_is_refused_by_name(trained: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = {"kind": "image_text_matching", "sources": [{"dataset": "natural-pairs"}]}
    write_job(tmp_path, trained("image_and_text"), task=task)
    assert main(["quantize", str(tmp_path)]) == 2
    assert "task: image_text_matching" in capsys.readouterr().err
    assert events_of(tmp_path)[-1]["reason"] == "bad_input"


def test_a_missing_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_job(tmp_path, tmp_path / "gone")
    assert main(["quantize", str(tmp_path)]) == 2
    assert "stage-1-step-000012" in capsys.readouterr().err


def test_a_stop_request_ends_it_with_status_3_and_no_half_export(trained: Make, tmp_path: Path) -> None:
    write_job(tmp_path, trained("image_and_text"))
    child = subprocess.Popen([sys.executable, "-m", "trainer", "quantize", str(tmp_path)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / FILE_NAME).exists() or "Exporting" not in (tmp_path / FILE_NAME).read_text():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 3
    assert not (tmp_path / "export").exists()
