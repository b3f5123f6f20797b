"""The evaluation of a language model's checkpoint: figures of its tasks, and of every data set what becomes of each document.

N predictions, V vocabulary, D documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer import checkpoint
from trainer.config import AnyTask, LanguageModel, MaskedLanguageModelling
from trainer.data.documents import Documents, end_of, pairs
from trainer.data.packing import Packed, Piece, assemble
from trainer.data.reading import open_dataset
from trainer.device import choose
from trainer.evaluation import documents as scoring
from trainer.evaluation import greedy
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.bytes_of import bytes_of_tokens
from trainer.evaluation.documents import Scored
from trainer.evaluation.subjects import Subject
from trainer.families.language import by_task, summed
from trainer.families.reader import Reader
from trainer.models import language, tokenizers
from trainer.progress import Advance, to_nobody


def evaluate_language(subject: Subject, bootstrap: Bootstrap, advance: Advance = to_nobody) -> tuple[dict[str, Any], list[Scored]]:
    """Returns the figures and the documents of each data set. Raises ValueError where nothing is left of one."""
    reader, tasks = reader_of(subject), subject.stage.tasks
    read = {task.kind: [reader.tokenised(task, each.dataset, subject.split, subject.folders) for each in task.sources] for task in tasks}
    each = [summed([reader.measure(documents, None) for documents in read[task.kind]]) for task in tasks]
    scored = list(each_scored(reader, subject, read, advance))
    told: dict[str, Any] = dict(by_task(subject.stage, subject.split, each))
    return told | {"language": [scoring.figures(found, bootstrap) for found in scored]}, scored


def each_scored(reader: Reader, subject: Subject, read: Mapping[Any, Sequence[Documents]], advance: Advance) -> Iterator[Scored]:
    asked = [(task, documents) for task in subject.stage.tasks for documents in read[task.kind]]
    for number, (task, documents) in enumerate(asked):
        advance(f"Asking about the documents of {documents.name}", number, len(asked))
        yield score(reader, subject, task, documents)
    advance("All documents are asked about", len(asked), len(asked))


def reader_of(subject: Subject) -> Reader:
    """The weights are those of the checkpoint, which has been found whole."""
    assert isinstance(subject.model, LanguageModel)
    network, device = language.rebuild(subject.checkpoint), choose(subject.stage.precision)
    network.load_state_dict(checkpoint.tensors(subject.checkpoint, "model"))
    network.to(device).eval()  # type: ignore[arg-type]
    mask_rate = next((task.mask_rate for task in subject.stage.tasks if isinstance(task, MaskedLanguageModelling)), None)
    return Reader(network, tokenizers.from_folder(subject.checkpoint), subject.model, mask_rate, device)


def score(reader: Reader, subject: Subject, task: AnyTask, documents: Documents) -> Scored:
    """Every document is measured; a long text in windows of the model's length that share one token, so all but its first is asked."""
    strings = list(pairs(open_dataset(documents.name, subject.split, subject.folders), task))
    words = np.array([len(f"{prompt} {answer}".split()) for prompt, answer in (strings[row] for row in documents.rows)])
    sums = measured(reader, documents)
    found = Scored(
        task.kind,
        documents.name,
        subject.split,
        documents.rows,
        words,
        *sums,
        documents.num_left_out,
        is_masked=reader.mask_rate is not None,
    )
    return with_answers(reader, documents, strings, found) if task.kind == "equations" else found


# --- losses --------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def measured(reader: Reader, documents: Documents) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Returns by document, (D) each: nats, tokens, right ones, nats of those that stand for bytes, their bytes; see `Scored`."""
    size_V = bytes_of_tokens(reader.tokenizer) if reader.mask_rate is None else None
    sums = np.zeros((5, len(documents)))
    for number, (rows, owners) in enumerate(batches(documents, reader.model.max_tokens, reader.rows_at_once)):
        packed = reader.asked(assemble(rows, [documents], [0], reader.model.max_tokens, reader.pad), 0, number)
        nats_N, right_N = answered(reader, packed)
        num_bytes_N = np.zeros(len(nats_N)) if size_V is None else size_V[packed.answers]
        # Of a masked model the answer lies at the place that was hidden, of the others behind the place that tells it.
        document_N = owners[packed.where + (reader.mask_rate is None)]
        for place, values in enumerate((nats_N, np.ones(len(nats_N)), right_N, nats_N * (num_bytes_N > 0), num_bytes_N)):
            sums[place] += np.bincount(document_N, values, len(documents))
    nats, tokens, right, byte_nats, num_bytes = sums
    of_bytes = (None, None) if size_V is None else (byte_nats, num_bytes.astype(np.int64))
    return nats, tokens.astype(np.int64), right.astype(np.int64), *of_bytes


def answered(reader: Reader, packed: Packed) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nats of each answer and whether it is the likeliest, float64 (N)."""
    batch = reader.to_device(packed)
    logits_NV = reader.logits(batch)
    nats_N = functional.cross_entropy(logits_NV, batch.answers, reduction="none")
    return nats_N.double().cpu().numpy(), (logits_NV.argmax(1) == batch.answers).double().cpu().numpy()


def batches(documents: Documents, max_tokens: int, num_rows: int) -> Iterator[tuple[list[list[Piece]], np.ndarray]]:
    """Yields rows of pieces, and the document at each of their flat places, int64; in the padding any."""
    rows = rows_of(documents, max_tokens)
    while batch := list(islice(rows, num_rows)):
        yield batch, np.concatenate([owners(row, max_tokens) for row in batch])


def rows_of(documents: Documents, max_tokens: int) -> Iterator[list[Piece]]:
    row: list[Piece] = []
    for piece in (piece for number in range(len(documents)) for piece in windows(documents, number, max_tokens)):
        if sum(each.length for each in row) + piece.length > max_tokens:
            yield row
            row = []
        row.append(piece)
    if row:
        yield row


def windows(documents: Documents, number: int, max_tokens: int) -> Iterator[Piece]:
    length = int(documents.lengths[number])
    for start in range(0, max(length - 1, 1), max_tokens - 1):
        yield Piece(0, number, start, min(start + max_tokens, length))


def owners(row: Sequence[Piece], max_tokens: int) -> np.ndarray:
    found = np.repeat([piece.document for piece in row], [piece.length for piece in row])
    return np.pad(found, (0, max_tokens - len(found)), mode="edge")


# --- answers -------------------------------------------------------------------------------------------------------------


def with_answers(reader: Reader, documents: Documents, strings: Sequence[tuple[str, str]], found: Scored) -> Scored:
    """An answer that is longer than the longest expected one cannot be it, and is cut there."""
    lengths, end = documents.lengths - documents.num_prompt, end_of(reader.tokenizer)
    prompts = [documents.piece(number, 0, int(count)).tolist() for number, count in enumerate(documents.num_prompt)]
    told = greedy.answers(lambda tokens: next_logits(reader, tokens), prompts, end, int(lengths.max()), reader.rows_at_once)
    answers = [str(reader.tokenizer.decode(tokens, skip_special_tokens=True)).strip() for tokens in told]
    expected = [strings[row][1].strip() for row in documents.rows]
    exact = np.array([greedy.is_exact(*pair) for pair in zip(answers, expected, strict=True)])
    return replace(found, answers=answers, expected=expected, exact=exact)


def next_logits(reader: Reader, tokens_BT: Tensor) -> Tensor:
    """Returns (B, V), of what comes behind rows that are one document each."""
    tokens_BT = tokens_BT.to(reader.device)
    positions_BT = torch.arange(tokens_BT.shape[1], device=reader.device).expand_as(tokens_BT)
    return language.logits(reader.network, language.hidden(reader.network, tokens_BT, positions_BT, is_packed=False)[:, -1])
