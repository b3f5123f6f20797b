"""Predictions that nobody's model made."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.facts import Facts
from trainer.evaluation.predictions import Predictions


def predictions(num: int = 200, num_classes: int = 4, seed: int = 0, right: float = 1.0) -> Predictions:
    """Labels are uneven and the last class never occurs; `right` pulls the probabilities towards them."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(num_classes - 1, num, p=np.arange(1, num_classes) / np.arange(1, num_classes).sum())
    logits = rng.standard_normal((num, num_classes)) + right * np.eye(num_classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    facts = [Facts(row % 11, row % 40, ("JPEG", "PNG")[row % 2], "RGB", 32 + row, 20) for row in range(num)]
    names = tuple(f"class {number}" for number in range(num_classes))
    return Predictions("sentiment", "test", names, ["pairs"] * num, np.arange(num), labels, probabilities, facts)
