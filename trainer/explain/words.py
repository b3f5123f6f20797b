"""The words of a sentence as its tokenizer cut them: where each lies in the text, and which tokens it has."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

HIDDEN = ("[MASK]", "[UNK]", "[PAD]")


@dataclass(frozen=True)
class Word:
    """Characters `start` to `end` of the text, and the places of its tokens."""

    start: int
    end: int
    places: tuple[int, ...]


def words_of(encoded: Encoding) -> list[Word]:
    """Returns the words that the model reads; what was cut off behind its longest input is not among them."""
    places: dict[int, list[int]] = {}
    for place, word in enumerate(encoded.word_ids):
        if word is not None:
            places.setdefault(word, []).append(place)
    return [Word(encoded.offsets[each[0]][0], encoded.offsets[each[-1]][1], tuple(each)) for each in places.values()]


def frame(encoded: Encoding) -> list[int]:
    """Returns the places of tokens that are no words: opening, closing, padding."""
    return [place for place, word in enumerate(encoded.word_ids) if word is None]


def hidden_token(tokenizer: Tokenizer) -> int:
    """Returns the token that stands for a word that is hidden. Raises ValueError where the tokenizer has none of the usual ones."""
    found = next((number for token in HIDDEN if (number := tokenizer.token_to_id(token)) is not None), None)
    if found is None:
        raise ValueError("The tokenizer of this model has no token that hides a word.")
    return found
