"""A small causal language model becomes INT8 in two ways, each precision is measured, and what is written loads again and answers alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from tests.trainer import small_language as small
from trainer.__main__ import main
from trainer.config import CausalLanguageModelling, Source
from trainer.data.documents import flat
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.language import evaluate_language
from trainer.evaluation.subjects import subject
from trainer.events import FILE_NAME
from trainer.manifest import verify
from trainer.models import tokenizers
from trainer.quantization.job import quantize
from trainer.quantization.language import asking, weights
from trainer.quantization.language.graph import next_logits
from trainer.quantization.language.measuring import Told, answer_all, nats
from trainer.quantization.language.quality import quality
from trainer.quantization.language.questions import Questions
from trainer.quantization.language.runtimes import LanguageCard, OnnxLanguage, TorchLanguage
from trainer.runtimes import Arrays
from trainer.train import train

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TASK = small.task("causal_lm", "speeches", "code")
LAST = "stage-1-step-000008"


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_texts(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def trained(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """At so high a rate that the logits of two tokens are not all but equal."""
    folder = tmp_path_factory.mktemp("trained")
    rate = {"schedule": {"shape": "constant", "peak_rate": 0.02}}
    (folder / "config.json").write_text(json.dumps(small.job("llama", TASK, **rate)))
    assert train(folder, [datasets], lambda: False) == 0
    return folder


def job(trained: Path, kind: str = "llama") -> dict[str, Any]:
    settings = {"latency_samples": 10, "max_drop": 5}
    model = small.job(kind, TASK)["model"]
    return {"model": model, "quantization": settings, "task": TASK, "checkpoint": str(trained / "checkpoints" / LAST), "num_threads": 1}


@pytest.fixture(scope="module")
def quantized(trained: Path, datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantized")
    (folder / "config.json").write_text(json.dumps(job(trained)))
    assert quantize(folder, [datasets], lambda: False) == 0
    return folder


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()]


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {event["precision"]: event for event in events_of(folder) if event["kind"] == "measured"}


def tokens(size: int, length: int) -> Arrays:
    return {"tokens": small.tokens(size, length).numpy()}


# --- rows ----------------------------------------------------------------------------------------------------------------


def test_every_precision_is_measured_in_its_runtime(quantized: Path) -> None:
    rows = rows_of(quantized)
    assert {name: row["runtime"].split()[0] for name, row in rows.items()} == {
        "fp32_eager": "PyTorch", "fp32": "ONNX", "bf16": "PyTorch", "int8_weight": "PyTorch", "int8_dynamic": "ONNX",
    }  # fmt: skip
    for row in rows.values():
        for kind in ("latency", "batch"):
            assert 0 < row[f"{kind}_ms_p50"] <= row[f"{kind}_ms_p99"]
        assert row["prompt_tokens"] == 24
        assert row["tokens_per_s"] == pytest.approx(24 * row["throughput_per_s"], abs=0.1)
        assert row["cpu_ms_per_sample"] > 0
        assert row["peak_memory_bytes"] > row["size_bytes"] > row["embedding_bytes"] > 0
        for figure in ("accuracy", "perplexity", "bits_per_byte"):
            low, high = row[f"{figure}_interval"]
            assert low <= row[figure] <= high
        assert row["flipped_share"] == row["num_flipped"] / row["num_tokens"]


def test_fp32_is_worth_what_the_evaluation_says_of_the_checkpoint(trained: Path, datasets: Path, quantized: Path) -> None:
    asked = subject(trained, None, "", "test", [datasets])
    told, _ = evaluate_language(asked, Bootstrap())
    each, row = told["language"], rows_of(quantized)["fp32_eager"]
    assert (row["split"], row["num_samples"]) == ("test", sum(one["num_documents"] for one in each))
    assert row["num_tokens"] == sum(one["num_tokens"] for one in each)
    assert row["loss"] == pytest.approx(sum(one["loss"] * one["num_tokens"] for one in each) / row["num_tokens"], rel=1e-5)
    assert row["perplexity"] == pytest.approx(np.exp(row["loss"]))
    bits = sum(one["bits_per_byte"] * one["num_bytes"] for one in each) / sum(one["num_bytes"] for one in each)
    assert row["bits_per_byte"] == pytest.approx(bits, rel=1e-5)
    assert row["accuracy"] == pytest.approx(sum(one["accuracy"] * one["num_tokens"] for one in each) / row["num_tokens"])


def test_the_answers_of_a_row_are_measured_against_pytorch(quantized: Path) -> None:
    rows = rows_of(quantized)
    assert (rows["fp32_eager"]["snr_db"], rows["fp32_eager"]["num_flipped"], rows["fp32_eager"]["drop_interval"]) == (None, 0, [0, 0])
    assert rows["fp32"]["snr_db"] > 90
    assert rows["fp32"]["num_flipped"] == 0
    for name in ("bf16", "int8_weight", "int8_dynamic"):
        assert 20 < rows[name]["snr_db"] < 70


def test_the_gate_judges_by_the_accuracy_of_the_next_token(quantized: Path) -> None:
    rows, events = rows_of(quantized), events_of(quantized)
    assert [event["kind"] for event in events[-2:]] == ["judged", "finished"]
    judged = events[-2]
    assert judged["drops"].keys() == {"int8_weight", "int8_dynamic"}
    for name, drop in judged["drops"].items():
        assert drop == pytest.approx(100 * (rows["fp32"]["accuracy"] - rows[name]["accuracy"]), abs=1e-5)
    assert (judged["winner"] in judged["drops"], judged["flipped"]) == (True, "")


# --- files ---------------------------------------------------------------------------------------------------------------


def test_the_export_is_whole_and_says_what_it_holds(quantized: Path) -> None:
    folder = quantized / "export"
    verify(folder)
    card = LanguageCard.model_validate_json((folder / "model.json").read_text())
    assert all((folder / file).is_file() for file in card.files.values())
    assert (card.family, card.max_tokens) == ("causal_lm", 24)
    assert card.parity is not None
    assert card.parity < 1e-4
    assert {case.num_tokens for case in card.parity_cases} == {2, 12, 24}
    assert card.gate is not None


def test_what_serves_classifiers_says_that_it_is_none(quantized: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(quantized)
    for asked in (["export", folder, "--to", str(tmp_path / "models"), "--format", "triton"], ["predict", folder, "--text", "hello"]):
        assert main(asked) == 2
        assert "the export is of a language model (causal_lm), which has no classes to tell" in capsys.readouterr().err
    assert main(["export", folder, "--to", str(tmp_path / "copy")]) == 0
    verify(tmp_path / "copy")


def test_rounded_weights_are_bytes_on_disk_and_load_as_they_were(quantized: Path, trained: Path) -> None:
    folder, rows = quantized / "export", rows_of(quantized)
    stored, whole = load_file(folder / weights.INT8_FILE), load_file(trained / "checkpoints" / LAST / "model.safetensors")
    rounded = [name for name in whole if name.split(".")[-2] in (*LINEAR, "lm_head")]
    assert len(rounded) == 2 * len(LINEAR) + 1
    assert {name for name in stored if stored[name].dtype == torch.int8} == {name + weights.BYTES for name in rounded}
    assert rows["int8_weight"]["size_bytes"] == (folder / weights.INT8_FILE).stat().st_size < rows["fp32_eager"]["size_bytes"]
    for name in rounded:
        values, scale = stored[name + weights.BYTES], stored[name + weights.SCALE]
        assert (values * scale - whole[name]).abs().max() <= 0.51 * scale.max()


def test_int8_that_was_loaded_computes_with_the_rounded_weights(quantized: Path, trained: Path) -> None:
    """Against a plain network whose weights are set to what the bytes and scales stand for."""
    folder, asked = quantized / "export", tokens(3, 11)
    stored, plain = load_file(folder / weights.INT8_FILE), weights.load(trained / "checkpoints" / LAST, "fp32_eager").eval()
    for name, module in plain.named_modules():
        if isinstance(module, nn.Linear):
            module.weight = nn.Parameter(stored[f"{name}.weight.bytes"] * stored[f"{name}.weight.scale"])
    with torch.inference_mode():
        expected = next_logits(plain, torch.from_numpy(asked["tokens"])).numpy()
    found = TorchLanguage(folder, "int8_weight").logits(asked)
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(found - TorchLanguage(trained / "checkpoints" / LAST, "fp32_eager").logits(asked)).max() > 1e-4


def test_every_product_with_weights_is_of_integers_in_the_dynamic_graph(quantized: Path) -> None:
    kinds = [node.op_type for node in onnx.load(quantized / "export" / "int8_dynamic.onnx").graph.node]
    assert kinds.count("MatMulInteger") == 2 * len(LINEAR) + 1
    norms = [f"model.layers.{layer}.{name}_layernorm" for layer in (0, 1) for name in ("input", "post_attention")]
    for name in ("int8_weight", "int8_dynamic"):
        assert rows_of(quantized)[name]["float_layers"] == ["model.embed_tokens", *norms, "model.norm"]


@pytest.mark.parametrize(("size", "length"), [(1, 2), (3, 17), (16, 24)])
def test_the_graph_answers_as_pytorch_does_for_any_batch_and_length(size: int, length: int, quantized: Path, trained: Path) -> None:
    graph, network = OnnxLanguage(quantized / "export", "fp32", 1), TorchLanguage(trained / "checkpoints" / LAST, "fp32_eager")
    asked = tokens(size, length)
    assert np.abs(graph.logits(asked) - network.logits(asked)).max() < 1e-4


def test_bf16_tells_far_positions_apart(quantized: Path) -> None:
    network: Any = weights.load(quantized / "export", "bf16")
    assert {each.dtype for each in network.parameters()} == {torch.bfloat16}
    assert network.model.rotary_emb.inv_freq.dtype == torch.float32


# --- questions -----------------------------------------------------------------------------------------------------------


def test_every_token_behind_the_given_ones_is_asked_once_from_its_whole_window() -> None:
    encoded = [([1, 2], [3, 4]), ([], [5, 6, 7, 8, 9]), ([], [10])]
    questions = asking.questions_of([flat("made", encoded, np.arange(3), True)], 3)
    assert sorted(zip(questions.documents().tolist(), questions.answers().tolist(), strict=True)) == [
        (0, 3), (0, 4), (1, 6), (1, 7), (1, 8), (1, 9),
    ]  # fmt: skip


class Successor:
    """Says with certainty that the next token is one more, of 12."""

    name = "made"

    def logits(self, arrays: Arrays) -> np.ndarray:
        found: np.ndarray = 50 * np.eye(12, dtype=np.float32)[(arrays["tokens"] + 1) % 12]
        return found


def test_answers_stand_beside_their_questions_whatever_the_padding() -> None:
    encoded = [([], list(range(1, 2 + length % 9))) for length in range(40)]
    questions = asking.questions_of([flat("made", encoded, np.arange(40), True)], 8)
    told = answer_all(Successor(), questions)
    assert told.likeliest.tolist() == questions.answers().tolist()
    assert told.nats == pytest.approx(0, abs=1e-5)
    assert len(told.logits) == len(told.nats)


def test_nats_are_the_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, answers = torch.randn(20, 7, generator=generator) * 30, torch.randint(7, (20,), generator=generator)
    expected = functional.cross_entropy(logits.double(), answers, reduction="none").numpy()
    assert nats(logits.numpy(), answers.numpy()) == pytest.approx(expected, abs=1e-4)


def test_only_some_logits_are_kept_of_a_large_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.quantization.language.measuring.MAX_LOGITS", 12 * 10)
    encoded = [([], list(range(1, 2 + length % 9))) for length in range(40)]
    questions = asking.questions_of([flat("made", encoded, np.arange(40), True)], 8)
    told = answer_all(Successor(), questions)
    interval = -(-len(told.nats) // 10)
    assert told.logits.argmax(1).tolist() == told.likeliest[::interval].tolist()


def test_what_is_lost_is_counted_by_document() -> None:
    asked = asking.Asked("test", np.array([1, 2, 3, 4]), np.array([0, 0, 1, 1]), np.array([1, 3, 0, 2]), 2, [])
    whole = Told(np.ones(4), np.array([1, 2, 3, 0]), np.eye(4))
    told = Told(np.full(4, 2.0), np.array([1, 0, 3, 0]), 1.1 * np.eye(4))
    found = quality(told, whole, asked)
    assert (found["accuracy"], found["num_flipped"], found["flipped_share"], found["num_samples"]) == (0.5, 1, 0.25, 2)
    assert found["drop_interval"] == [0, 50]  # one of two in the one document, none in the other
    assert (found["loss"], found["snr_db"]) == (2, pytest.approx(20))
    assert found["bits_per_byte"] == pytest.approx(6 / 6 / np.log(2))  # the token of no bytes is the end of the text


def test_where_there_is_no_test_split_the_validation_split_is_asked(tmp_path: Path) -> None:
    small.write_texts(tmp_path)
    task = CausalLanguageModelling(sources=(Source(dataset="speeches"), Source(dataset="code")))
    assert asking.split_of(task, [tmp_path]) == "test"
    card = json.loads((tmp_path / "code" / "dataset.json").read_text())
    del card["num_samples"]["test"]
    (tmp_path / "code" / "dataset.json").write_text(json.dumps(card))
    assert asking.split_of(task, [tmp_path]) == "validation"


def test_a_model_of_experts_is_refused_by_name(trained: Path, datasets: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(job(trained, "mixtral")))
    with pytest.raises(ValueError, match="a model of the family moe_lm cannot be quantized"):
        quantize(tmp_path, [datasets], lambda: False)


def test_questions_that_were_written_are_read_as_they_were(trained: Path, datasets: Path, tmp_path: Path) -> None:
    tokenizer = tokenizers.from_folder(trained / "checkpoints" / LAST)
    task = CausalLanguageModelling(sources=(Source(dataset="speeches"),))
    questions, asked = asking.ask(task, tokenizer, 24, [datasets])
    questions.save(tmp_path / "questions")
    again = Questions.load(tmp_path / "questions")
    assert again.answers().tolist() == asked.answers.tolist()
    assert again.prompts.shape == (64, 24)
