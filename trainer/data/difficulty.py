"""How hard each sample is: its length, its rare words, the busyness of its picture, a model's loss, or a weighted sum of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from trainer.config import Curriculum

MEASURES = ("length", "rarity", "loss", "entropy")
GREY = np.array([0.299, 0.587, 0.114])  # luma of red, green, blue (ITU-R BT.601)
NUM_BINS = 64
STEEPEST = 127.5 * 2**0.5  # central differences of grey levels in 0..255 reach half of that range in each direction


def weights_of(curriculum: Curriculum) -> dict[str, float]:
    """Returns the weights that are not 0."""
    return {name: weight for name in MEASURES if (weight := getattr(curriculum, name))}


def difficulty(curriculum: Curriculum, measures: Mapping[str, np.ndarray]) -> np.ndarray:
    """Weighs standardised measures, each float (n), and standardises the sum: float (n), mean 0 and deviation 1.

    Raises ValueError where a measure that has a weight is missing, or is no number for some sample.
    """
    weights = weights_of(curriculum)
    if missing := [name for name in weights if name not in measures]:
        raise ValueError(f"curriculum.{missing[0]}: these samples have nothing to measure it by")
    weighed = [weight * standardised(measures[name], name) for name, weight in weights.items()]
    return standardised(np.sum(weighed, axis=0))


def standardised(values: np.ndarray, name: str = "difficulty") -> np.ndarray:
    """Returns values with mean 0 and deviation 1 (of the population); where all are alike, zeros. Raises ValueError for a NaN."""
    if bad := int((~np.isfinite(values)).sum()):
        raise ValueError(f"curriculum.{name}: it is no finite number for {bad} of {len(values)} samples")
    if values.min() == values.max():
        return np.zeros(len(values))
    centred: np.ndarray = values - values.mean()
    return np.asarray(centred / centred.std())


def length(offsets: np.ndarray) -> np.ndarray:
    """Returns the logarithm of each sample's number of tokens, float (n); an empty one counts as one token.

    Sample i has the tokens offsets[i] up to offsets[i + 1] of the flat array; `offsets` is integer (n + 1).
    """
    num_tokens: np.ndarray = np.diff(offsets)
    return np.asarray(np.log(np.maximum(num_tokens, 1)))


def rarity(tokens: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Returns each sample's mean unigram surprisal, -ln(count of the token / number of tokens) in nats, float (n); 0 for an empty one.

    The counts are those of `tokens` itself, flat ids (offsets[-1]). Platanios et al. (arXiv 1903.09848, equation 2) take the sum
    over a sentence; the mean leaves its length to the measure of length.
    """
    found, sizes = np.zeros(len(offsets) - 1), np.diff(offsets)
    if not len(tokens):
        return found
    # Of a token that does not occur, nobody asks.
    surprisal = -np.log(np.maximum(np.bincount(tokens), 1) / len(tokens))
    filled = sizes > 0
    found[filled] = np.add.reduceat(surprisal[tokens], offsets[:-1][filled]) / sizes[filled]
    return found


def entropy(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the edge entropy of each picture, uint8 (3, side, side), in nats: float (n), from 0 to ln 64."""
    return np.array([edge_entropy(picture) for picture in pictures])


def edge_entropy(picture: np.ndarray) -> float:
    """Shannon's entropy of the histogram of gradient magnitudes of the grey picture, central differences, without its border.

    64 bins of equal width from 0 to the steepest possible; of magnitudes alone, where Larkin (arXiv 1609.01117) takes both directions.
    """
    grey = np.tensordot(GREY, picture.astype(np.float64), 1)
    down, right = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2, (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    counts, _ = np.histogram(np.hypot(down, right), NUM_BINS, (0, STEEPEST))
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
