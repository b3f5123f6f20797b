"""Where a classifier is good and where it is not: figures by class, text length, picture kind and size, and data set. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainer.evaluation.bootstrap import wilson
from trainer.evaluation.facts import PIXELS, WORDS, ranges
from trainer.evaluation.predictions import Predictions


def slices(found: Predictions) -> list[dict[str, Any]]:
    """Returns rows `by, value, num_samples, accuracy, accuracy_interval (Wilson, 95 %), loss (mean, nats)`, in the order of the values."""
    return [row for by, values in groupings(found) for row in sliced(found, by, values)]


def groupings(found: Predictions) -> Iterator[tuple[str, list[str]]]:
    """Yields what samples are told apart by and the value of each; never what not all of them have."""
    yield "class", [found.classes[label] for label in found.labels]
    words = [each.num_words for each in found.facts]
    if all(number is not None for number in words):
        yield "text_words", ranges(np.array(words), WORDS)
    if all(each.width for each in found.facts):
        yield "picture_kind", [f"{each.picture_format} {each.picture_mode}" for each in found.facts]
        yield "picture_side", ranges(np.array([max(each.width or 0, each.height or 0) for each in found.facts]), PIXELS)
    if len(set(found.datasets)) > 1:
        yield "dataset", list(found.datasets)


def sliced(found: Predictions, by: str, values: list[str]) -> Iterator[dict[str, Any]]:
    right_N, losses_N, values_N = found.predicted == found.labels, found.losses, np.array(values)
    for value in sorted(set(values), key=natural):
        inside = values_N == value
        num, num_right = int(inside.sum()), int(right_N[inside].sum())
        figures = {"accuracy": num_right / num, "accuracy_interval": wilson(num_right, num), "loss": float(losses_N[inside].mean())}
        yield {"by": by, "value": value, "num_samples": num, **figures}


def natural(name: str) -> tuple[bool, int, str]:
    """Ranges of numbers come in their order."""
    first = re.match(r"[0-9]+", name)
    return first is None, int(first[0]) if first else 0, name
