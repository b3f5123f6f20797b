"""What a language model makes of every document of a validation set, and the figures that follow. Free of torch.

D documents. Perplexity is exp(nats / tokens); bits per byte are nats / (bytes * ln 2), over the tokens that stand for bytes: the end of
text is left out of both (Gao et al. 2020, "The Pile", arXiv 2101.00027, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation import stored
from trainer.evaluation.bootstrap import Bootstrap, ratio_interval
from trainer.evaluation.facts import WORDS, ranges

KIND = "documents"


@dataclass(frozen=True)
class Scored:
    """The documents of one data set under one task. All float64 or int64 (D): the nats and number of the predicted tokens, how many of
    them are the likeliest, and the nats and bytes of those that stand for bytes (None where no token does).

    `expected` and `answers` (D) are the strings behind the prompts and what the model says there, where it was asked.
    """

    task: str
    dataset: str
    split: str
    rows: np.ndarray
    num_words: np.ndarray
    nats: np.ndarray
    num_tokens: np.ndarray
    num_right: np.ndarray
    byte_nats: np.ndarray | None
    num_bytes: np.ndarray | None
    num_left_out: int
    is_masked: bool = False
    expected: Sequence[str] | None = None
    answers: Sequence[str] | None = None
    exact: np.ndarray | None = None


def figures(found: Scored, bootstrap: Bootstrap) -> dict[str, Any]:
    """Returns JSON. `accuracy` counts tokens, `exact_match` answers; a model that guesses masked tokens has no bits per byte."""
    told = {
        "task": found.task,
        "dataset": found.dataset,
        "num_documents": len(found.rows),
        "num_left_out": found.num_left_out,
        "num_tokens": int(found.num_tokens.sum()),
        "loss": quotient(found.nats, found.num_tokens),
        "accuracy": quotient(found.num_right, found.num_tokens),
        "perplexity": exponential(quotient(found.nats, found.num_tokens)),
        "is_masked": found.is_masked,
        "bits_per_byte": None,
        "exact_match": None if found.exact is None else float(found.exact.mean()),
    }
    if found.byte_nats is not None and found.num_bytes is not None:
        told |= {"num_bytes": int(found.num_bytes.sum()), "bits_per_byte": quotient(found.byte_nats, found.num_bytes) / math.log(2)}
    return told | {"intervals": intervals(found, bootstrap), "slices": slices(found)}


def quotient(above: np.ndarray, below: np.ndarray) -> float:
    return float(above.sum() / max(below.sum(), 1))


def exponential(loss: float) -> float:
    """A loss that is too high for a number has an infinite perplexity."""
    return math.exp(loss) if loss < 700 else math.inf


def intervals(found: Scored, bootstrap: Bootstrap) -> dict[str, Any]:
    """Documents are drawn with replacement, never tokens: those of one document are not independent."""
    told: dict[str, Any] = {**bootstrap.fields(), "stratified": False, "resampled": "documents"}
    told["perplexity"] = [exponential(bound) for bound in ratio_interval(found.nats, found.num_tokens, bootstrap)]
    if found.byte_nats is not None and found.num_bytes is not None:
        told["bits_per_byte"] = [bound / math.log(2) for bound in ratio_interval(found.byte_nats, found.num_bytes, bootstrap)]
    if found.exact is not None:
        told["exact_match"] = ratio_interval(found.exact.astype(float), np.ones(len(found.exact)), bootstrap)
    return told


def slices(found: Scored) -> list[dict[str, Any]]:
    """Returns figures by length in words: `by, value, num_documents, loss, perplexity, exact_match`."""
    names = np.array(ranges(found.num_words, WORDS))
    order: Callable[[str], int] = lambda name: int(found.num_words[names == name].min())  # noqa: E731
    return [sliced(found, name, names == name) for name in sorted(set(names.tolist()), key=order)]


def sliced(found: Scored, value: str, inside_D: np.ndarray) -> dict[str, Any]:
    loss = quotient(found.nats[inside_D], found.num_tokens[inside_D])
    exact = None if found.exact is None else float(found.exact[inside_D].mean())
    num = int(inside_D.sum())
    return {"by": "text_words", "value": value, "num_documents": num, "loss": loss, "perplexity": exponential(loss), "exact_match": exact}


def columns(found: Scored) -> dict[str, Any]:
    """Returns what is stored of each document; `loss` is the mean of its tokens in nats, or in a masked one of those it was asked for."""
    empty = [None] * len(found.rows)
    return {
        "sample": [f"{found.dataset}/{found.split}/{row}" for row in found.rows],
        "task": [found.task] * len(found.rows),
        "dataset": [found.dataset] * len(found.rows),
        "row": found.rows,
        stored.LOSS: found.nats / np.maximum(found.num_tokens, 1),
        "num_tokens": found.num_tokens,
        "num_bytes": empty if found.num_bytes is None else found.num_bytes,
        "num_words": found.num_words,
        "expected": found.expected or empty,
        "answer": found.answers or empty,
        "exact": empty if found.exact is None else found.exact,
    }
