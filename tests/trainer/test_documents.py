"""Rows of every kind become documents: what is given, what is to be answered, and how both are tokenised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

from trainer.catalog import KINDS
from trainer.config import (
    CausalLanguageModelling,
    EquationSolving,
    InstructionTuning,
    MaskedLanguageModelling,
    Source,
    Task,
    TripleCompletion,
)
from trainer.data.documents import Documents, pairs, tokenise
from trainer.data.reading import Rows, open_dataset
from trainer.data.unigram import unigram_loss
from trainer.data.writing import Sample, write_dataset
from trainer.models import tokenizers
from trainer.models.encoders import VOCABULARY

CONTENT: dict[str, list[tuple[str, ...]]] = {
    "text": [("A short text.",), ("Line one\n    line two",), ("words " * 50,)],
    "triples": [("lion", "is a kind of", "big cat"), ("paw", "is part of", "cat")],
    "instructions": [("Add up.", "1 and 2", "3"), ("Say hello.", "", "Hello!")],
    "equations": [("2 + 3", "5"), ("solve 2*x = 6 for x", "3")],
}
TASKS: dict[str, type[Task]] = {
    "text": CausalLanguageModelling,
    "triples": TripleCompletion,
    "instructions": InstructionTuning,
    "equations": EquationSolving,
}
SOURCES = (Source(dataset="mine"),)


def task(kind: type[Task], **options: Any) -> Any:
    return kind(sources=SOURCES, **options)


def rows_of(kind: str, folder: Path, content: Sequence[tuple[str, ...]] | None = None) -> Rows:
    columns = KINDS[kind]
    samples = [Sample(fields=dict(zip(columns, values, strict=True))) for values in content or CONTENT[kind]]
    write_dataset(folder / "mine", {"train": samples}, columns, title="Mine")
    return open_dataset("mine", "train", [folder])


@pytest.fixture(scope="module")
def bpe() -> PreTrainedTokenizerFast:
    texts = [field for rows in CONTENT.values() for row in rows for field in row]
    return tokenizers.train(texts, 400)


def read(documents: Documents, tokenizer: PreTrainedTokenizerFast) -> list[tuple[str, str]]:
    """The documents as strings again: what is given and what is to be answered."""
    found = []
    for number in range(len(documents)):
        tokens = documents.tokens[documents.offsets[number] : documents.offsets[number + 1]]
        cut = documents.num_prompt[number]
        found.append((tokenizer.decode(tokens[:cut]), tokenizer.decode(tokens[cut:])))
    return found


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", [("", "A short text."), ("", "Line one\n    line two"), ("", "words " * 50)]),
        ("triples", [("lion | is a kind of |", " big cat"), ("paw | is part of |", " cat")]),
        ("instructions", [("Add up.\n\n1 and 2", "3"), ("Say hello.", "Hello!")]),
        ("equations", [("2 + 3 =", " 5"), ("solve 2*x = 6 for x =", " 3")]),
    ],
)
def test_a_row_is_what_is_given_and_what_is_to_be_answered(kind: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    assert list(pairs(rows_of(kind, tmp_path), task(TASKS[kind]))) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("triples", ["lion | is a kind of | big cat", "paw | is part of | cat"]),
        ("instructions", ["Add up.\n\n1 and 2\n\n3", "Say hello.\n\nHello!"]),
        ("equations", ["2 + 3 = 5", "solve 2*x = 6 for x = 3"]),
    ],
)
@pytest.mark.parametrize("reading", [CausalLanguageModelling, MaskedLanguageModelling])
def test_every_kind_can_be_read_as_plain_text(kind: str, expected: list[str], reading: type[Task], tmp_path: Path) -> None:
    assert list(pairs(rows_of(kind, tmp_path), task(reading))) == [("", text) for text in expected]


def test_the_template_of_the_task_writes_the_triples(tmp_path: Path) -> None:
    found = pairs(rows_of("triples", tmp_path), task(TripleCompletion, template="What {relation} of {head}?"))
    assert next(found) == ("What is a kind of of lion?", " big cat")


def test_columns_that_do_not_fit_the_task_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mine has the columns text, from which triples cannot be learnt"):
        list(pairs(rows_of("text", tmp_path), task(TripleCompletion)))


@pytest.mark.parametrize("kind", ["text", "triples", "equations"])
def test_tokens_read_back_as_the_row_with_the_end_behind_it(kind: str, tmp_path: Path, bpe: PreTrainedTokenizerFast) -> None:
    rows = rows_of(kind, tmp_path)
    found = tokenise(rows, task(TASKS[kind]), bpe, 1000, tokenizers.chat)
    expected = [(prompt, f"{answer}{bpe.eos_token}") for prompt, answer in pairs(rows, task(TASKS[kind]))]
    assert read(found, bpe) == expected
    assert found.lengths.sum() == len(found.tokens)
    assert found.is_plain == (kind == "text")


def test_instructions_go_through_the_chat_template(tmp_path: Path, bpe: PreTrainedTokenizerFast) -> None:
    found = tokenise(rows_of("instructions", tmp_path), task(InstructionTuning), bpe, 1000, tokenizers.chat)
    given, answer = read(found, bpe)[0]
    assert given == bpe.apply_chat_template([{"role": "user", "content": "Add up.\n\n1 and 2"}], tokenize=False, add_generation_prompt=True)
    assert answer == f"3{bpe.eos_token}"
    assert found.tokens[found.offsets[1:] - 1].tolist() == [bpe.eos_token_id] * 2


def test_a_document_of_bert_is_what_its_tokenizer_makes_of_the_text(tmp_path: Path) -> None:
    tokenizer = BertTokenizerFast(vocab=str(VOCABULARY))
    found = tokenise(rows_of("text", tmp_path), task(MaskedLanguageModelling), tokenizer, 16, tokenizers.chat)
    for number, (text,) in enumerate(CONTENT["text"]):
        document = found.piece(number, 0, int(found.lengths[number]))
        assert document.tolist() == tokenizer(text)["input_ids"]


def test_an_answered_document_that_is_too_long_is_left_out_and_counted(tmp_path: Path, bpe: PreTrainedTokenizerFast) -> None:
    content = [("2 + 3", "5"), ("2" * 60, "5"), ("3 + 3", "6"), ("1", "7" * 60)]
    found = tokenise(rows_of("equations", tmp_path, content), task(EquationSolving), bpe, 30, tokenizers.chat)
    assert found.rows.tolist() == [0, 2]
    assert found.num_left_out == 2
    assert [answer for _, answer in read(found, bpe)] == [" 5<|end|>", " 6<|end|>"]


def test_a_document_of_just_the_largest_length_stays(tmp_path: Path, bpe: PreTrainedTokenizerFast) -> None:
    rows = rows_of("equations", tmp_path, [("2 + 3", "5")])
    length = len(bpe.encode("2 + 3 =")) + len(bpe.encode(" 5")) + 1
    assert len(tokenise(rows, task(EquationSolving), bpe, length, tokenizers.chat)) == 1
    with pytest.raises(ValueError, match="mine: nothing is left for equations"):
        tokenise(rows, task(EquationSolving), bpe, length - 1, tokenizers.chat)


def test_a_long_text_stays_whole_for_the_packer_to_cut(tmp_path: Path, bpe: PreTrainedTokenizerFast) -> None:
    found = tokenise(rows_of("text", tmp_path), task(CausalLanguageModelling), bpe, 8, tokenizers.chat)
    assert len(found) == 3
    assert found.num_left_out == 0
    assert found.lengths.max() > 8


def test_answers_are_what_a_loop_over_the_documents_finds() -> None:
    documents = Documents("mine", np.arange(10, dtype=np.int32), np.array([0, 4, 5, 10]), np.array([2, 0, 0]), np.arange(3), is_plain=False)
    assert documents.answers.tolist() == [2, 3, 6, 7, 8, 9]


def test_the_unigram_loss_is_what_a_hand_computes() -> None:
    # Counts 3, 1, 0 become 4, 2, 1 of 7; asked are the tokens 0, 2, 2.
    expected = -(np.log(4 / 7) + 2 * np.log(1 / 7)) / 3
    assert unigram_loss(np.array([0, 0, 1, 0]), np.array([0, 2, 2]), 3) == pytest.approx(expected, rel=1e-12)


def test_a_unigram_model_without_training_knows_nothing() -> None:
    assert unigram_loss(np.zeros(0, np.int64), np.array([5, 1]), 64) == pytest.approx(np.log(64))
    with pytest.raises(ValueError, match="no token"):
        unigram_loss(np.array([1]), np.zeros(0, np.int64), 64)
