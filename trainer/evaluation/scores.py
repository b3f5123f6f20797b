"""How well samples were classified: figures of a confusion matrix. N samples, K classes; numpy alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ClassScores(NamedTuple):
    """Per class, float (..., K); `support` int (..., K) is how many samples truly are of it."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


def confusion(labels_N: np.ndarray, predicted_N: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns int64 (K, K): a row for each true class, a column for each predicted one."""
    assert labels_N.shape == predicted_N.shape
    cells = np.bincount(labels_N * num_classes + predicted_N, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def class_scores(confusion_KK: np.ndarray) -> ClassScores:
    """Takes one matrix or many (..., K, K). What would be divided by 0 counts 0: a class that is never predicted has precision 0."""
    right = np.diagonal(confusion_KK, axis1=-2, axis2=-1)
    support, said = confusion_KK.sum(-1), confusion_KK.sum(-2)
    return ClassScores(ratio(right, said), ratio(right, support), ratio(2 * right, said + support), support)


def accuracy(confusion_KK: np.ndarray) -> np.ndarray:
    """Takes one matrix or many (..., K, K)."""
    return ratio(np.diagonal(confusion_KK, axis1=-2, axis2=-1).sum(-1), confusion_KK.sum((-2, -1)))


def macro_f1(confusion_KK: np.ndarray) -> np.ndarray:
    """Returns the unweighted mean of the classes' F1; a class that neither occurs nor is predicted counts 0."""
    found: np.ndarray = class_scores(confusion_KK).f1.mean(-1)
    return found


def weighted_f1(confusion_KK: np.ndarray) -> np.ndarray:
    """Returns the mean of the classes' F1, weighted by how often each occurs."""
    scores = class_scores(confusion_KK)
    return ratio((scores.f1 * scores.support).sum(-1), scores.support.sum(-1))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divides, and gives 0 where that cannot be done."""
    found: np.ndarray = np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) != 0)
    return found
