"""Hides tokens of packed rows for a masked language model to guess (BERT, arXiv 1810.04805, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

import numpy as np

from trainer.data.packing import Packed


@dataclass(frozen=True)
class Alphabet:
    """What hiding has to know of a tokenizer: the mask, the special tokens (never hidden), and how many tokens there are."""

    mask: int
    special: Set[int]
    size: int


def hide(packed: Packed, rate: float, alphabet: Alphabet, seed: int, step: int) -> Packed:
    """Of each document exactly max(1, rate * its tokens) are to be guessed: 80 % become the mask, 10 % a random token, 10 % stay.

    `where` are the hidden places, `answers` what stood there. A stage of a masked language model has one task: all `tasks` are 0.
    """
    rng = np.random.default_rng([seed, step])
    usable_BT = ~np.isin(packed.tokens, sorted(alphabet.special))
    chosen = [np.zeros(0, np.int64), *chosen_places(packed, usable_BT.ravel(), rate, rng)]
    where_N = np.sort(np.concatenate(chosen))
    answers_N = packed.tokens.ravel()[where_N]
    tokens = packed.tokens.copy()
    tokens.ravel()[where_N] = replaced(answers_N, alphabet, rng)
    return replace(packed, tokens=tokens, where=where_N, answers=answers_N, tasks=np.zeros_like(where_N))


def chosen_places(packed: Packed, usable: np.ndarray, rate: float, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields the flat places to hide of each document; padding is a document without a usable token."""
    padding = padding_of(packed).ravel()
    starts = np.flatnonzero(packed.positions.ravel() == 0)
    for places in np.split(np.arange(usable.size), starts[1:]):
        inner = places[usable[places] & ~padding[places]]
        if len(inner):
            yield rng.permutation(inner)[: max(1, round(rate * len(inner)))]


def padding_of(packed: Packed) -> np.ndarray:
    """Returns bool (B, T)."""
    length = packed.tokens.shape[1]
    found: np.ndarray = np.arange(length) >= length - packed.num_padding[:, None]
    return found


def replaced(answers: np.ndarray, alphabet: Alphabet, rng: np.random.Generator) -> np.ndarray:
    fate, others = rng.random(len(answers)), rng.integers(0, alphabet.size, len(answers))
    found: np.ndarray = np.where(fate < 0.8, alphabet.mask, np.where(fate < 0.9, others, answers))
    return found
