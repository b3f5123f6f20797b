"""How many bytes of text each token of a vocabulary stands for. V tokens."""

from __future__ import annotations

import json

import numpy as np
from transformers import PreTrainedTokenizerFast


def bytes_of_tokens(tokenizer: PreTrainedTokenizerFast) -> np.ndarray | None:
    """Returns int64 (V), 0 for special tokens; None for a tokenizer that is not byte-level, whose tokens stand for no fixed bytes.

    A byte-level vocabulary (GPT-2) writes each byte as one character.
    """
    decoder = json.loads(tokenizer.backend_tokenizer.to_str())["decoder"]
    if not decoder or decoder["type"] != "ByteLevel":
        return None
    found = np.zeros(len(tokenizer), np.int64)
    for token, number in tokenizer.get_vocab().items():
        found[number] = len(token)
    for number, added in tokenizer.added_tokens_decoder.items():
        found[number] = 0 if added.special else len(added.content.encode())
    return found
