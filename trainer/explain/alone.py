"""What a model says of the picture alone and of the sentence alone, and how the two share the answer. K classes.

What is left out is left out as the evaluation's check of the modalities does it: a picture of ImageNet's mean colour, the 0 of the
network's input; a sentence without words, its opening and closing tokens alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.explain.odds import log_odds_of
from trainer.predict import softmax
from trainer.runtimes import Arrays, Runtime

# The rows of `views`, in this order.
BOTH, IMAGE, TEXT, NEITHER = range(4)


def views(runtime: Runtime, arrays: Arrays) -> Arrays:
    """Makes a batch of four out of one: both, the image alone, the text alone, neither."""
    empty = runtime.tokenizer.encode("")
    found = {name: np.repeat(array, 4, axis=0) for name, array in arrays.items()}
    found["picture"][[TEXT, NEITHER]] = 0
    found["tokens"][[IMAGE, NEITHER]] = empty.ids
    found["mask"][[IMAGE, NEITHER]] = empty.attention_mask
    return found


def alone(runtime: Runtime, arrays: Arrays, target: int) -> dict[str, Any]:
    """`image` and `text` are the answers to each alone, `shares` those of `shared`. Takes a batch of one of a model of both."""
    logits_4K = runtime.logits(views(runtime, arrays))
    image, text = shared(log_odds_of(logits_4K)[:, target])
    return {
        "image": answer_of(runtime.card.classes, logits_4K[IMAGE]),
        "text": answer_of(runtime.card.classes, logits_4K[TEXT]),
        "shares": {"image": image, "text": text},
    }


def answer_of(classes: tuple[str, ...], logits_K: np.ndarray) -> dict[str, Any]:
    scores = softmax(logits_K)
    return {"class": classes[int(scores.argmax())], "probabilities": dict(zip(classes, scores.tolist(), strict=True))}


def shared(scores_4: np.ndarray) -> tuple[float, float]:
    """Returns the shares of image and text, which sum to 1: the size of their Shapley values, of two players.

    A player's value is the mean of what it adds alone and of what it adds to the other (Shapley 1953). Takes the scores in the order of
    `views`; where nothing counts each has a half.
    """
    both, image, text, neither = scores_4
    values = np.abs([(image - neither + both - text) / 2, (text - neither + both - image) / 2])
    if not values.sum():
        return 0.5, 0.5
    share = float(values[0] / values.sum())
    return share, 1 - share
