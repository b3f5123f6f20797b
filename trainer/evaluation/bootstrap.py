"""How far a figure would move on another split of the same kind: percentile bootstrap intervals, seeded. Numpy alone.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. N samples, K classes, R resamples, C cells, D documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trainer.evaluation.scores import accuracy, macro_f1

Interval = tuple[float, float]
# As many counts of a confusion matrix as are held at once.
MAX_COUNTS = 2**22
FIGURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"accuracy": accuracy, "macro_f1": macro_f1}


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made. Stratified, every resample has as many samples of each true class as the split: that answers for splits
    whose mix is fixed. Not stratified, the mix varies as it does when samples are drawn at random."""

    num_resamples: int = 2000
    level: float = 0.95
    seed: int = 0
    stratified: bool = False

    def fields(self) -> dict[str, Any]:
        return {"method": "percentile bootstrap", **asdict(self)}

    def interval(self, values_R: np.ndarray) -> Interval:
        low, high = np.quantile(values_R, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)


def classification_intervals(confusion_KK: np.ndarray, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Returns the intervals of `accuracy` and `macro_f1`.

    Both depend on the counts alone, so drawing N samples with replacement is drawing the counts of the cells from a multinomial.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in FIGURES}
    for resampled_RKK in resamples(confusion_KK, bootstrap):
        for name, figure in FIGURES.items():
            found[name].append(figure(resampled_RKK))
    return {name: bootstrap.interval(np.concatenate(values)) for name, values in found.items()}


def resamples(confusion_KK: np.ndarray, bootstrap: Bootstrap) -> Iterator[np.ndarray]:
    """Yields the resampled matrices (R, K, K), as many at once as fit."""
    rng, num_at_once = np.random.default_rng(bootstrap.seed), max(1, MAX_COUNTS // confusion_KK.size)
    strata = list(confusion_KK) if bootstrap.stratified else [confusion_KK.ravel()]
    for start in range(0, bootstrap.num_resamples, num_at_once):
        num = min(num_at_once, bootstrap.num_resamples - start)
        drawn = np.concatenate([redrawn(counts, num, rng) for counts in strata], axis=1)
        yield drawn.reshape(num, *confusion_KK.shape)


def redrawn(counts_C: np.ndarray, num: int, rng: np.random.Generator) -> np.ndarray:
    """Returns int64 (R, C): as many as there were, drawn by their shares. Cells that are empty stay so."""
    found, filled = np.zeros((num, len(counts_C)), np.int64), np.flatnonzero(counts_C)
    if len(filled):
        total = counts_C.sum()
        found[:, filled] = rng.multinomial(total, counts_C[filled] / total, num)
    return found


def ratio_interval(above_D: np.ndarray, below_D: np.ndarray, bootstrap: Bootstrap) -> Interval:
    """Returns the interval of sum(above) / sum(below) when documents are drawn with replacement, never stratified."""
    rng, num = np.random.default_rng(bootstrap.seed), len(above_D)
    values = np.empty(bootstrap.num_resamples)
    for number in range(bootstrap.num_resamples):
        times_D = np.bincount(rng.integers(0, num, num), minlength=num)
        values[number] = (times_D @ above_D) / max(times_D @ below_D, 1e-12)
    return bootstrap.interval(values)


def wilson(num_right: int, num: int) -> Interval:
    """Returns the 95 % interval of a share; unlike the bootstrap's it does not shrink to nothing where all or none are right.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22.
    """
    z, share = 1.959964, num_right / num
    centre, spread = share + z**2 / (2 * num), z * np.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    scale = 1 + z**2 / num
    return float(max((centre - spread) / scale, 0)), float(min((centre + spread) / scale, 1))
