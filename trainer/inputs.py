"""From a picture's bytes and a sentence to a model's inputs: predictions here and Triton's own preprocessing share it. Torch-free."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from tokenizers import Tokenizer

from trainer.data.pictures import decode, normalise
from trainer.data.uploads import MALFORMED, check_picture, check_text


class Card(Protocol):
    """What must be known of a model: what it looks at, and the side of its pictures."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def image_size(self) -> int: ...


def checked_arrays(card: Card, tokenizer: Tokenizer, image: bytes | None, text: str | None) -> dict[str, np.ndarray]:
    """Judges what was given before it is decoded, and makes a batch of one. Raises ValueError with a sentence for what cannot be used."""
    return to_arrays(card, tokenizer, *checked(card, image, text))


def checked(card: Card, image: bytes | None, text: str | None) -> tuple[bytes | None, str | None]:
    """Returns what the model is to look at, judged. Raises ValueError."""
    if "picture" in card.names:
        if image is None:
            raise ValueError("This model looks at a picture: give one.")
        check_picture(image)
    return image, check_text(text or "") if "tokens" in card.names else text


def to_arrays(card: Card, tokenizer: Tokenizer, image: bytes | None, text: str | None) -> dict[str, np.ndarray]:
    """Makes a batch of one; what the model does not look at is left out. Raises ValueError for a picture that cannot be decoded."""
    arrays: dict[str, np.ndarray] = {}
    if "picture" in card.names:
        assert image is not None
        arrays["picture"] = normalise(decode_checked(image, card.image_size)[None])
    if "tokens" in card.names:
        assert text is not None
        encoded = tokenizer.encode(text)
        arrays["tokens"] = np.array([encoded.ids], np.int64)
        arrays["mask"] = np.array([encoded.attention_mask], np.int64)
    return arrays


def decode_checked(image: bytes, side: int) -> np.ndarray:
    try:
        return decode(image, side)
    except MALFORMED as error:
        raise ValueError("The picture is damaged or cut short.") from error
