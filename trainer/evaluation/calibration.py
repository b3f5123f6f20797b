"""Whether a model is as often right as it says: expected calibration error and the reliability curve.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, equation 3. N samples, K classes; numpy alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainer.evaluation.scores import ratio

NUM_BINS = 15


class Reliability(NamedTuple):
    """M bins of equal width over the confidence: (lower, upper]. `confidence` and `accuracy` are means, 0 where a bin is empty."""

    edges: np.ndarray
    num_samples: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the gap between accuracy and confidence, weighted by the bins' samples."""
        total = max(int(self.num_samples.sum()), 1)
        return float((self.num_samples * np.abs(self.accuracy - self.confidence)).sum() / total)


def reliability(probabilities_NK: np.ndarray, labels_N: np.ndarray, num_bins: int = NUM_BINS) -> Reliability:
    """The confidence is the probability of the predicted class."""
    confidence_N, right_N = probabilities_NK.max(1), probabilities_NK.argmax(1) == labels_N
    edges = np.linspace(0, 1, num_bins + 1)
    bin_N = np.clip(np.digitize(confidence_N, edges, right=True) - 1, 0, num_bins - 1)
    count, sure, right = (np.bincount(bin_N, weights, num_bins) for weights in (None, confidence_N, right_N))
    return Reliability(edges, count, ratio(sure, count), ratio(right, count))
