"""The figures of a classifier, made of its stored predictions alone. Free of torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.evaluation import scores
from trainer.evaluation.bootstrap import Bootstrap, classification_intervals
from trainer.evaluation.calibration import reliability
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.slices import slices


def figures(found: Predictions, bootstrap: Bootstrap) -> dict[str, Any]:
    """Returns JSON. Rows of `confusion` are true classes, columns predicted ones; `loss` is the mean cross-entropy in nats."""
    matrix_KK = scores.confusion(found.labels, found.predicted, len(found.classes))
    return {
        "task": found.task,
        "num_samples": len(found.labels),
        "accuracy": float(scores.accuracy(matrix_KK)),
        "macro_f1": float(scores.macro_f1(matrix_KK)),
        "weighted_f1": float(scores.weighted_f1(matrix_KK)),
        "loss": float(found.losses.mean()),
        "intervals": bootstrap.fields() | classification_intervals(matrix_KK, bootstrap),
        "classes": by_class(found.classes, matrix_KK),
        "confusion": matrix_KK.tolist(),
        "calibration": calibration(found),
        "slices": slices(found),
    }


def by_class(classes: tuple[str, ...], matrix_KK: np.ndarray) -> list[dict[str, Any]]:
    columns = [values.tolist() for values in scores.class_scores(matrix_KK)]
    names = ("class", *scores.ClassScores._fields)
    return [dict(zip(names, row, strict=True)) for row in zip(classes, *columns, strict=True)]


def calibration(found: Predictions) -> dict[str, Any]:
    curve = reliability(found.probabilities, found.labels)
    names = ("lower", "upper", "num_samples", "confidence", "accuracy")
    columns = (curve.edges[:-1], curve.edges[1:], curve.num_samples, curve.confidence, curve.accuracy)
    bins = [dict(zip(names, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return {"expected_calibration_error": curve.error, "source": "Guo et al. 2017, arXiv 1706.04599", "bins": bins}
