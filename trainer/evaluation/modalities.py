"""What the picture and the sentence each contribute: a classifier of both is asked again with one of them left out or exchanged.

A picture that is left out is a plain one of ImageNet's mean colour, the 0 of the network's input; a sentence that is left out has no words:
its opening and closing tokens alone. The network has not learnt from either, so the exchanged ones are the fairer question: there each
modality is as it was in training, but of another sample, whose label does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from trainer.evaluation import scores
from trainer.evaluation.bootstrap import Bootstrap, classification_intervals
from trainer.evaluation.classifying import AS_IT_IS, Given, View
from trainer.models.network import Network
from trainer.tasks.objective import Batch


def without_picture(given: Given) -> Batch:
    assert given.own.pictures is not None
    return replace(given.own, pictures=torch.zeros_like(given.own.pictures))


def without_sentence(given: Given) -> Batch:
    assert given.own.tokens is not None
    num_samples = len(given.own.tokens)
    return replace(given.own, tokens=given.no_tokens.expand(num_samples, -1), mask=given.no_mask.expand(num_samples, -1), host_mask=None)


def other_picture(given: Given) -> Batch:
    return replace(given.own, pictures=given.other.pictures)


def other_sentence(given: Given) -> Batch:
    return replace(given.own, tokens=given.other.tokens, mask=given.other.mask, host_mask=None)


VIEWS: Mapping[str, View] = {
    **AS_IT_IS,
    "image_only": without_sentence,
    "text_only": without_picture,
    "shuffled_image": other_picture,
    "shuffled_text": other_sentence,
}
HOW = {
    "as_it_is": "picture and sentence of the sample",
    "image_only": "the sentence is left out: no words, only the opening and closing tokens",
    "text_only": "the picture is left out: one plain picture of ImageNet's mean colour",
    "shuffled_image": "the picture is that of another sample, drawn by the stage's seed; the label is the sentence's",
    "shuffled_text": "the sentence is that of another sample, drawn by the stage's seed; the label is the picture's",
}


def views_of(network: Network, kind: str) -> Mapping[str, View]:
    """A task that looks at one modality has nothing to leave out."""
    looks_at_both = kind == "sentiment" and network.config.inputs == "image_and_text"
    return VIEWS if looks_at_both else AS_IT_IS


def figures(found: Mapping[str, np.ndarray], labels_N: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    """Takes probabilities (N, K) by view. `contribution` is the accuracy that is lost without a modality, and with another sample's."""
    views = [{"view": name, "how": HOW[name], **scored(each, labels_N, bootstrap)} for name, each in found.items()]
    right = {row["view"]: row["accuracy"] for row in views}

    def lost(without: str, exchanged: str) -> dict[str, float]:
        return {"left_out": right["as_it_is"] - right[without], "shuffled": right["as_it_is"] - right[exchanged]}

    return {"views": views, "contribution": {"image": lost("text_only", "shuffled_image"), "text": lost("image_only", "shuffled_text")}}


def scored(probabilities_NK: np.ndarray, labels_N: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    matrix_KK = scores.confusion(labels_N, probabilities_NK.argmax(1), probabilities_NK.shape[1])
    intervals = classification_intervals(matrix_KK, bootstrap)
    return {"accuracy": float(scores.accuracy(matrix_KK)), "macro_f1": float(scores.macro_f1(matrix_KK)), "intervals": intervals}
