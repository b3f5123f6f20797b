"""How well a precision predicts the next token, against the truth and against FP32. Free of torch. N predictions, D documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.evaluation.bootstrap import Bootstrap, ratio_interval
from trainer.evaluation.documents import exponential, quotient
from trainer.quantization.language.measuring import Told
from trainer.quantization.quality import signal_to_noise_db

if TYPE_CHECKING:  # it reads data sets
    from trainer.quantization.language.asking import Asked


def quality(told: Told, whole: Told, asked: Asked) -> dict[str, Any]:
    """Returns JSON. `whole` is what FP32 says; intervals are percentile bootstraps over documents, 95 %.

    `accuracy` is the share of tokens that are the likeliest; `drop_interval` is that of the accuracy lost against FP32 in points.
    """
    bootstrap, by_document = Bootstrap(), ByDocument(asked)
    tokens_D, nats_D = by_document.sums(np.ones(len(asked.answers))), by_document.sums(told.nats)
    right_D, whole_right_D = (by_document.sums(each.likeliest == asked.answers) for each in (told, whole))
    loss, flipped_N = quotient(nats_D, tokens_D), told.likeliest != whole.likeliest
    return {
        "split": asked.split,
        "num_samples": asked.num_documents,
        "num_tokens": len(asked.answers),
        "loss": loss,
        "perplexity": exponential(loss),
        "perplexity_interval": [exponential(bound) for bound in ratio_interval(nats_D, tokens_D, bootstrap)],
        **bits_per_byte(told, asked, by_document, bootstrap),
        "accuracy": quotient(right_D, tokens_D),
        "accuracy_interval": list(ratio_interval(right_D, tokens_D, bootstrap)),
        "drop_interval": [100 * bound for bound in ratio_interval(whole_right_D - right_D, tokens_D, bootstrap)],
        "snr_db": signal_to_noise_db(whole.logits, told.logits),
        "num_flipped": int(flipped_N.sum()),
        "flipped_share": float(flipped_N.mean()),
    }


class ByDocument:
    """Sums over the predictions of each document: those of one are not independent, so documents are what is drawn."""

    def __init__(self, asked: Asked) -> None:
        _, self.places_N = np.unique(asked.owners, return_inverse=True)

    def sums(self, values_N: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.bincount(self.places_N, values_N)
        return found


def bits_per_byte(told: Told, asked: Asked, by_document: ByDocument, bootstrap: Bootstrap) -> dict[str, Any]:
    """Null for a tokenizer whose tokens stand for no fixed bytes; see `trainer.evaluation.documents`."""
    if asked.num_bytes is None:
        return {"bits_per_byte": None, "bits_per_byte_interval": None}
    nats_D, bytes_D = by_document.sums(told.nats * (asked.num_bytes > 0)), by_document.sums(asked.num_bytes)
    interval = [bound / math.log(2) for bound in ratio_interval(nats_D, bytes_D, bootstrap)]
    return {"bits_per_byte": quotient(nats_D, bytes_D) / math.log(2), "bits_per_byte_interval": interval}
