"""What a classifier said of every sample of a split, kept beside the figures that are made of it. Free of torch.

N samples, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.evaluation import stored
from trainer.evaluation.facts import Facts

KIND = "classes"


@dataclass(frozen=True)
class Predictions:
    """`rows` int64 (N) are rows of the split of `datasets` (N); `labels` int64 (N) and the columns of `probabilities` float64 (N, K)
    are indices into `classes`. `facts` (N)."""

    task: str
    split: str
    classes: tuple[str, ...]
    datasets: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    facts: Sequence[Facts]

    @property
    def predicted(self) -> np.ndarray:
        """Returns int64 (N)."""
        found: np.ndarray = self.probabilities.argmax(1)
        return found

    @property
    def losses(self) -> np.ndarray:
        """Returns float64 (N), the cross-entropy in nats."""
        of_label_N = self.probabilities[np.arange(len(self.labels)), self.labels]
        found: np.ndarray = -np.log(np.maximum(of_label_N, np.finfo(np.float64).tiny))
        return found

    def columns(self) -> dict[str, Any]:
        named = np.array(self.classes, object)
        return {
            "sample": [f"{name}/{self.split}/{row}" for name, row in zip(self.datasets, self.rows, strict=True)],
            "dataset": list(self.datasets),
            "row": self.rows,
            "label": named[self.labels].tolist(),
            "predicted": named[self.predicted].tolist(),
            "probabilities": self.probabilities,
            stored.LOSS: self.losses,
            **{name: [getattr(each, name) for each in self.facts] for name in Facts._fields},
        }


def write(path: Path, found: Predictions) -> None:
    notes = {"kind": KIND, "task": found.task, "split": found.split, "classes": found.classes}
    stored.write(path, found.columns(), notes)


def read(path: Path) -> Predictions:
    """Raises ValueError for a file that holds something else."""
    columns, notes = stored.read(path)
    if notes["kind"] != KIND:
        raise ValueError(f"{path.name} holds {notes['kind']}, not the predictions of a classifier")
    places = {name: number for number, name in enumerate(notes["classes"])}
    facts = [Facts(*values) for values in zip(*(columns[name] for name in Facts._fields), strict=True)]
    return Predictions(
        notes["task"],
        notes["split"],
        tuple(notes["classes"]),
        columns["dataset"],
        np.array(columns["row"], np.int64),
        np.array([places[name] for name in columns["label"]], np.int64),
        np.array(columns["probabilities"], np.float64),
        facts,
    )
