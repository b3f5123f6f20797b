"""From the data of a task to what a language model is asked: every document of the split, in windows as long as the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from trainer import catalog
from trainer.config import AnyTask
from trainer.data.documents import Documents, tokenise
from trainer.data.reading import open_dataset
from trainer.evaluation.bytes_of import bytes_of_tokens
from trainer.evaluation.language import windows
from trainer.models import tokenizers
from trainer.quantization.language.questions import Questions, prompts_of


@dataclass(frozen=True)
class Asked:
    """N predictions over D documents: `answers` (N) the true tokens, `owners` (N) their documents, `num_bytes` (N) of how many bytes
    of text each stands for, None for a tokenizer that is not byte-level. `datasets` name what was read."""

    split: str
    answers: np.ndarray
    owners: np.ndarray
    num_bytes: np.ndarray | None
    num_documents: int
    datasets: list[dict[str, Any]]


def split_of(task: AnyTask, folders: Sequence[Path]) -> str:
    """The test split where all data sets of the task have one, else that which the training was watched on."""
    cards = [catalog.find(source.dataset, folders) for source in task.sources]
    return "test" if all(card.num_samples.get("test") for card in cards) else "validation"


def ask(task: AnyTask, tokenizer: PreTrainedTokenizerFast, max_tokens: int, folders: Sequence[Path]) -> tuple[Questions, Asked]:
    """Raises ValueError where no document is short enough, or none has a token to predict."""
    split = split_of(task, folders)
    rows = [open_dataset(source.dataset, split, folders) for source in task.sources]
    found = [tokenise(each, task, tokenizer, max_tokens, tokenizers.chat) for each in rows]
    questions = questions_of(found, max_tokens)
    answers, sizes = questions.answers(), bytes_of_tokens(tokenizer)
    asked = Asked(
        split=split,
        answers=answers,
        owners=questions.documents(),
        num_bytes=None if sizes is None else sizes[answers],
        num_documents=sum(map(len, found)),
        datasets=[{"name": each.card.name, "fingerprint": each.card.fingerprint} for each in rows],
    )
    return questions, asked


def questions_of(found: Sequence[Documents], max_tokens: int) -> Questions:
    """Windows of one document share one token, so all but its first is asked; see `trainer.evaluation.language.score`."""
    pieces: list[tuple[np.ndarray, int, int]] = []
    for first, documents in zip(np.cumsum([0, *map(len, found)]), found, strict=False):
        for number in range(len(documents)):
            for piece in windows(documents, number, max_tokens):
                given = max(int(documents.num_prompt[number]) - piece.start, 1)
                if given < piece.length:
                    pieces.append((documents.piece(number, piece.start, piece.stop), given, int(first) + number))
    if not pieces:
        raise ValueError("task: its documents have no token that could be predicted")
    pieces.sort(key=lambda each: len(each[0]))
    tokens = np.concatenate([window for window, _, _ in pieces]).astype(np.int64)
    offsets = np.cumsum([0, *(len(window) for window, _, _ in pieces)])
    given_W, owners_W = (np.array([each[place] for each in pieces], np.int64) for place in (1, 2))
    text = np.concatenate([documents.tokens for documents in found]).astype(np.int64)
    return Questions(tokens, offsets, given_W, owners_W, prompts_of(text, max_tokens))
