"""Perplexity, bits per byte and exact match of language models: against sums that are made another way."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainer import small_language
from trainer import checkpoint
from trainer.data.writing import Sample
from trainer.evaluation import language, stored
from trainer.evaluation.bytes_of import bytes_of_tokens
from trainer.evaluation.language import reader_of
from trainer.evaluation.subjects import subject
from trainer.models import tokenizers
from trainer.testing import evaluate_folder
from trainer.train import train

TASKS = (small_language.task("causal_lm", "speeches", "code"), small_language.task("equations", "sums", weight=2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that has read speeches, code and sums; the data sets lie in `data`."""
    root = tmp_path_factory.mktemp("language")
    small_language.write_texts(root / "data")
    (root / "config.json").write_text(json.dumps(small_language.job("llama", *TASKS)))
    assert train(root, [root / "data"], lambda: False) == 0
    return root


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    return evaluate_folder(folder, "test", [folder / "data"], to=folder / "told")


def test_the_figures_that_training_ended_with_are_still_there(folder: Path, found: dict[str, Any]) -> None:
    told = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])["results"]
    names = [name for name in told if name.startswith("test/")]
    assert "test/equations/loss" in names
    assert {name: found[name] for name in names} == pytest.approx({name: told[name] for name in names}, rel=1e-5)


def test_perplexity_and_bits_per_byte_are_those_of_one_document_after_the_other(folder: Path, found: dict[str, Any]) -> None:
    """Each window alone in a row and through the whole network; the bytes are counted in the text itself."""
    asked = subject(folder, None, "", "test", [folder / "data"])
    reader, size = reader_of(asked), asked.model.max_tokens
    documents = reader.tokenised(asked.stage.tasks[0], "code", "test", [folder / "data"])
    assert documents.lengths.max() > size
    nats, num_tokens, byte_nats, num_bytes = 0.0, 0, 0.0, 0
    for number in range(len(documents)):
        tokens = documents.piece(number, 0, int(documents.lengths[number])).tolist()
        for start in range(0, len(tokens) - 1, size - 1):
            window = torch.tensor([tokens[start : start + size]])
            with torch.no_grad():
                surprise = torch.nn.functional.cross_entropy(reader.network(window).logits[0, :-1], window[0, 1:], reduction="none")
            nats, num_tokens = nats + float(surprise.sum()), num_tokens + len(surprise)
            is_end = window[0, 1:] == reader.tokenizer.eos_token_id
            byte_nats += float(surprise[~is_end].sum())
        num_bytes += len(reader.tokenizer.decode(tokens[1:], skip_special_tokens=True).encode())
    told = next(row for row in found["language"] if row["dataset"] == "code")
    assert (told["num_tokens"], told["num_bytes"]) == (num_tokens, num_bytes)
    assert told["perplexity"] == pytest.approx(math.exp(nats / num_tokens), rel=1e-4)
    assert told["bits_per_byte"] == pytest.approx(byte_nats / num_bytes / math.log(2), rel=1e-4)
    low, high = told["intervals"]["perplexity"]
    assert low <= told["perplexity"] <= high


def test_every_document_is_stored_and_the_worst_comes_first(folder: Path, found: dict[str, Any]) -> None:
    columns, notes = stored.read(folder / "told" / "predictions.parquet")
    assert notes == {"kind": "documents", "split": "test"}
    assert len(columns["row"]) == sum(row["num_documents"] for row in found["language"])
    first = stored.worst(folder / "told" / "predictions.parquet", 1)[0]
    assert first["loss"] == max(columns["loss"])


def test_an_untrained_model_has_no_exact_match_and_one_that_learnt_the_sums_by_heart_has_all(
    folder: Path, found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(row for row in found["language"] if row["dataset"] == "sums")["exact_match"] < 0.5
    monkeypatch.setattr(language, "next_logits", adding)
    told = evaluate_folder(folder, "test", [folder / "data"], dataset="sums", to=folder / "told.json")["language"]
    assert [(row["task"], row["exact_match"], row["intervals"]["exact_match"]) for row in told] == [("equations", 1, (1, 1))]
    columns, _ = stored.read(folder / "told.parquet")
    assert columns["answer"] == columns["expected"]
    assert all(columns["exact"])


def adding(reader: Any, tokens_BT: torch.Tensor) -> torch.Tensor:
    """Reads the prompt and writes the sum: what a model that can add would say."""
    logits = torch.zeros(len(tokens_BT), len(reader.tokenizer))
    for number, row in enumerate(tokens_BT.tolist()):
        prompt, _, told = reader.tokenizer.decode(row).partition(" =")
        one, other = prompt.split(" + ")
        answer = reader.tokenizer.encode(f" {int(one) + int(other)}", add_special_tokens=False)
        rest = answer[len(reader.tokenizer.encode(told, add_special_tokens=False)) if told else 0 :]
        logits[number, rest[0] if rest else reader.tokenizer.eos_token_id] = 1
    return logits


def test_a_data_set_that_the_stage_never_read_can_be_asked_about(folder: Path) -> None:
    birds = [Sample(fields={"head": f"h{number}", "relation": "is", "tail": "b"}) for number in range(20)]
    small_language.write(folder / "other" / "birds", birds, ("head", "relation", "tail"))
    told = evaluate_folder(folder, "validation", [folder / "other"], dataset="birds")["language"]
    assert [(row["task"], row["dataset"], row["exact_match"]) for row in told] == [("triples", "birds", None)]


def test_a_model_that_guesses_masked_tokens_has_no_bits_per_byte(tmp_path: Path) -> None:
    small_language.write_texts(tmp_path / "data")
    (tmp_path / "config.json").write_text(json.dumps(small_language.job("bert", small_language.task("masked_lm", "speeches"))))
    assert train(tmp_path, [tmp_path / "data"], lambda: False) == 0
    told = evaluate_folder(tmp_path, "test", [tmp_path / "data"])["language"][0]
    assert told["is_masked"]
    assert told["bits_per_byte"] is None
    assert told["perplexity"] == pytest.approx(math.exp(told["loss"]))
    with pytest.raises(ValueError, match="facts has the columns head, relation, tail, about which masked_lm cannot be asked"):
        evaluate_folder(tmp_path, "test", [tmp_path / "data"], dataset="facts")


def test_the_tokens_of_a_text_stand_for_its_bytes(folder: Path) -> None:
    tokenizer = tokenizers.from_folder(checkpoint.newest(folder))
    size = bytes_of_tokens(tokenizer)
    assert size is not None
    for text in ("plain", "Käse, 酪, 🧀", "\x00\t line\n"):
        assert size[tokenizer.encode(text, add_special_tokens=False)].sum() == len(text.encode())
    assert size[np.array(tokenizer.all_special_ids)].tolist() == [0] * len(tokenizer.all_special_ids)
