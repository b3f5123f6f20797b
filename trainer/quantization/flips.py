"""The samples whose answer a precision flipped, kept as rows of one file. Free of torch. N samples, K classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.evaluation import stored

if TYPE_CHECKING:  # whoever reads the file needs no data set
    from trainer.data.samples import Samples

FILE = "flipped.parquet"
KIND = "flips"
COLUMNS = ("precision", "sample", "dataset", "row", "text", "truth", "before", "before_probability", "after", "after_probability", "margin")


def write(path: Path, samples: Samples, split: str, whole_NK: np.ndarray, answers: Mapping[str, np.ndarray]) -> None:
    """Takes the logits of FP32 and of every precision. The most certain of each precision come first.

    `margin` is by how much a precision prefers its answer to that of FP32, of 1; `loss` the cross-entropy of its answer in nats.
    """
    rows = [row for precision, logits_NK in answers.items() for row in flipped(precision, samples, split, whole_NK, logits_NK)]
    columns = {name: [row[name] for row in rows] for name in (*COLUMNS, stored.LOSS)}
    stored.write(path, columns, {"kind": KIND, "split": split, "classes": samples.classes})


def flipped(precision: str, samples: Samples, split: str, whole_NK: np.ndarray, logits_NK: np.ndarray) -> list[dict[str, Any]]:
    before_NK, after_NK = softmax(whole_NK), softmax(logits_NK)
    before_N, after_N = before_NK.argmax(1), after_NK.argmax(1)
    order, labels_N, classes = samples.in_order(), samples.labels(samples.in_order()), samples.classes
    found = []
    for number in np.flatnonzero(before_N != after_N).tolist():
        source, row = order[number]
        rows, was, now, truth = samples.rows[source], before_N[number], after_N[number], labels_N[number]
        found.append(
            {
                "precision": precision,
                "sample": f"{rows.card.name}/{split}/{row}",
                "dataset": rows.card.name,
                "row": row,
                "text": rows.texts[row] if rows.texts is not None else None,
                "truth": classes[truth],
                "before": classes[was],
                "before_probability": float(before_NK[number, was]),
                "after": classes[now],
                "after_probability": float(after_NK[number, now]),
                "margin": float(after_NK[number, now] - after_NK[number, was]),
                stored.LOSS: float(-np.log(max(after_NK[number, truth], np.finfo(np.float64).tiny))),
            }
        )
    return sorted(found, key=lambda each: -each["margin"])


def softmax(logits_NK: np.ndarray) -> np.ndarray:
    raised_NK = np.exp(logits_NK.astype(np.float64) - logits_NK.max(1, keepdims=True))
    found: np.ndarray = raised_NK / raised_NK.sum(1, keepdims=True)
    return found


def read(path: Path, precision: str) -> list[dict[str, Any]]:
    """Returns the rows of a precision, the most certain first. Raises ValueError for a file that holds something else."""
    columns, notes = stored.read(path)
    if notes["kind"] != KIND:
        raise ValueError(f"{path.name} holds {notes['kind']}, not flipped samples")
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row for row in rows if row["precision"] == precision]
