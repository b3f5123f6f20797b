"""From the rows of a data set to tokenised documents: what a language model reads, and which part of it it has to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trainer.catalog import holds
from trainer.config import AnyTask, TripleCompletion
from trainer.data.reading import Rows

Pair = tuple[str, str]
TokenPair = tuple[list[int], list[int]]
Chat = Callable[[Any, str, str], TokenPair]
DEFAULT_TEMPLATE: str = TripleCompletion.model_fields["template"].default
NUM_AT_ONCE = 2000


class NothingLeft(ValueError):
    """Every document of a source is too long."""


@dataclass(frozen=True)
class Documents:
    """The documents of one source. D documents: `tokens` int32 (sum of lengths), `offsets` int64 (D+1), `num_prompt` int64 (D).

    Document d is `tokens[offsets[d]:offsets[d+1]]`; its first `num_prompt[d]` tokens are given, the others are to be predicted.
    Only a plain text may be cut. `rows` (D) are the rows of the data set, `num_left_out` those that were too long.
    """

    name: str
    tokens: np.ndarray
    offsets: np.ndarray
    num_prompt: np.ndarray
    rows: np.ndarray
    is_plain: bool
    num_left_out: int = 0

    def __len__(self) -> int:
        return len(self.num_prompt)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Returns int64 (D)."""
        return np.diff(self.offsets)

    @cached_property
    def answers(self) -> np.ndarray:
        """Returns int32 (N), all tokens that are to be predicted: what is behind the prompts, and of a text all but its first token."""
        places = np.arange(len(self.tokens)) - np.repeat(self.offsets[:-1], self.lengths)
        found: np.ndarray = self.tokens[places >= np.repeat(np.maximum(self.num_prompt, 1), self.lengths)]
        return found

    def piece(self, document: int, start: int, stop: int) -> np.ndarray:
        begin = self.offsets[document]
        return self.tokens[begin + start : begin + stop]


# --- rows as pairs of strings --------------------------------------------------------------------------------------------


def pairs(rows: Rows, task: AnyTask) -> Iterator[Pair]:
    """Yields (prompt, answer) of each row; what is only read has an empty prompt. Raises ValueError when the columns do not fit."""
    kind, strings = task.kind if task.kind in RENDERED else rows.card.kind, rows.strings
    if kind is None or not holds(kind, strings):
        raise ValueError(f"{rows.card.name} has the columns {', '.join(rows.card.columns)}, from which {task.kind} cannot be learnt")
    if kind == "text":
        return (("", text) for text in strings["text"])
    template = task.template if isinstance(task, TripleCompletion) else DEFAULT_TEMPLATE
    found = RENDERED[kind](strings, template)
    return found if task.kind in RENDERED else (("", joined(kind, *pair)) for pair in found)


def of_triples(strings: dict[str, list[str]], template: str) -> Iterator[Pair]:
    """The answer begins with a space, as words within a text do."""
    for head, relation, tail in zip(strings["head"], strings["relation"], strings["tail"], strict=True):
        yield template.format(head=head, relation=relation), f" {tail}"


def of_instructions(strings: dict[str, list[str]], _: str) -> Iterator[Pair]:
    inputs = strings.get("input") or [""] * len(strings["output"])
    for instruction, given, output in zip(strings["instruction"], inputs, strings["output"], strict=True):
        yield f"{instruction}\n\n{given}" if given else instruction, output


def of_equations(strings: dict[str, list[str]], _: str) -> Iterator[Pair]:
    for problem, solution in zip(strings["problem"], strings["solution"], strict=True):
        yield f"{problem} =", f" {solution}"


RENDERED: dict[str, Callable[[dict[str, list[str]], str], Iterator[Pair]]] = {
    "triples": of_triples,
    "instructions": of_instructions,
    "equations": of_equations,
}


def joined(kind: str, prompt: str, answer: str) -> str:
    return f"{prompt}\n\n{answer}" if kind == "instructions" else prompt + answer


# --- pairs as tokens -----------------------------------------------------------------------------------------------------


def tokenise(rows: Rows, task: AnyTask, tokenizer: Any, max_tokens: int, chat: Chat) -> Documents:
    """Tokenises a whole source once. Instructions go through `chat(tokenizer, prompt, answer)`, which applies its template.

    An answered document of more than `max_tokens` tokens is left out and counted. Raises NothingLeft when none is.
    """
    is_plain, name, found = task.kind not in RENDERED, rows.card.name, list(pairs(rows, task))
    encoded = list(chatted(found, tokenizer, chat) if task.kind == "instructions" else encode(found, tokenizer))
    kept = [number for number, (prompt, answer) in enumerate(encoded) if is_plain or len(prompt) + len(answer) <= max_tokens]
    if not kept:
        raise NothingLeft(f"{name}: nothing is left for {task.kind}: all {len(encoded)} documents have more than {max_tokens} tokens")
    return flat(name, [encoded[number] for number in kept], np.array(kept), is_plain, len(encoded) - len(kept))


def flat(name: str, encoded: Sequence[TokenPair], rows: np.ndarray, is_plain: bool, num_left_out: int = 0) -> Documents:
    lengths = [len(prompt) + len(answer) for prompt, answer in encoded]
    tokens = np.fromiter((token for pair in encoded for part in pair for token in part), np.int32, sum(lengths))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Documents(name, tokens, offsets, np.array([len(prompt) for prompt, _ in encoded]), rows, is_plain, num_left_out)


def encode(found: Sequence[Pair], tokenizer: Any) -> Iterator[TokenPair]:
    """Puts what the tokenizer wants in front of a document ahead of it, and the end of text behind it."""
    opening, end = opening_of(tokenizer), end_of(tokenizer)
    for start in range(0, len(found), NUM_AT_ONCE):
        prompts, answers = (ids(tokenizer, [pair[side] for pair in found[start : start + NUM_AT_ONCE]]) for side in (0, 1))
        for prompt, answer in zip(prompts, answers, strict=True):
            yield (opening + prompt, [*answer, end]) if prompt else ([], [*opening, *answer, end])


def chatted(found: Iterable[Pair], tokenizer: Any, chat: Chat) -> Iterator[TokenPair]:
    end = end_of(tokenizer)
    for pair in found:
        prompt, answer = chat(tokenizer, *pair)
        yield prompt, answer if end in answer else [*answer, end]


def ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    found: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
    return found


def end_of(tokenizer: Any) -> int:
    """Returns the end of text; BERT's tokenizers call it separator. Raises ValueError where there is neither."""
    end = tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    if end is None:
        raise ValueError("tokenizer: it has no token for the end of a text")
    return int(end)


def opening_of(tokenizer: Any) -> list[int]:
    """Returns what the tokenizer puts in front of every text, such as BERT's [CLS] or Llama's <s>."""
    return [token for token in tokenizer("", verbose=False)["input_ids"] if token != end_of(tokenizer)]
