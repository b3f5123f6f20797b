"""What a precision answers, against the truth and against FP32. Free of torch. N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer.evaluation import scores
from trainer.evaluation.bootstrap import Bootstrap, classification_intervals, ratio_interval


def quality(logits_NK: np.ndarray, whole_NK: np.ndarray, labels_N: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Returns JSON. `whole` are the logits of FP32; intervals are percentile bootstraps over the samples, 95 %.

    `drop_interval` is that of the accuracy lost against FP32 in points, the samples drawn in pairs.
    """
    bootstrap, matrix_KK = Bootstrap(), scores.confusion(labels_N, logits_NK.argmax(1), len(classes))
    intervals = classification_intervals(matrix_KK, bootstrap)
    right_N, whole_right_N = logits_NK.argmax(1) == labels_N, whole_NK.argmax(1) == labels_N
    lost_N = whole_right_N.astype(float) - right_N
    return {
        "num_samples": len(labels_N),
        "accuracy": float(scores.accuracy(matrix_KK)),
        "accuracy_interval": intervals["accuracy"],
        "macro_f1": float(scores.macro_f1(matrix_KK)),
        "macro_f1_interval": intervals["macro_f1"],
        "f1_by_class": dict(zip(classes, scores.class_scores(matrix_KK).f1.tolist(), strict=True)),
        "drop_interval": [100 * bound for bound in ratio_interval(lost_N, np.ones(len(lost_N)), bootstrap)],
        "snr_db": signal_to_noise_db(whole_NK, logits_NK),
        "num_flipped": int((logits_NK.argmax(1) != whole_NK.argmax(1)).sum()),
    }


def signal_to_noise_db(whole_NK: np.ndarray, logits_NK: np.ndarray) -> float | None:
    """Returns 10 log10 of the power of the logits over the power of their error; None where there is no error."""
    noise = float(((whole_NK.astype(np.float64) - logits_NK) ** 2).sum())
    return round(10 * float(np.log10((whole_NK.astype(np.float64) ** 2).sum() / noise)), 2) if noise else None
