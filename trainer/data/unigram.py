"""The loss of the simplest language model there is, one that knows only how often each token occurs: what training has to beat."""

from __future__ import annotations

import numpy as np


def unigram_loss(train_tokens: np.ndarray, validation_tokens: np.ndarray, vocabulary_size: int) -> float:
    """Returns nats per validation token under the frequencies of the training tokens, one added to each (Laplace).

    Both are integers (N) below `vocabulary_size`. Raises ValueError when there is no validation token.
    """
    if not len(validation_tokens):
        raise ValueError("there is no token to measure")
    counts = np.bincount(train_tokens, minlength=vocabulary_size).astype(np.float64) + 1
    return float(-np.log(counts[validation_tokens] / counts.sum()).mean())
