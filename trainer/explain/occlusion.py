"""The same two questions for a model that has no gradient: what changes when a word or a piece of the picture is hidden.

B batch, K classes, T tokens, N words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainer.explain.odds import log_odds_of
from trainer.runtimes import Arrays, Runtime

METHOD = "Occlusion"
NUM_CELLS = 6
NUM_AT_ONCE = 16


def scores(runtime: Runtime, arrays: Arrays) -> np.ndarray:
    """Returns the log-odds of every class, (B, K), a few rows at a time."""
    num_rows = len(next(iter(arrays.values())))
    starts = range(0, num_rows, NUM_AT_ONCE)
    found = [runtime.logits({name: array[start : start + NUM_AT_ONCE] for name, array in arrays.items()}) for start in starts]
    return log_odds_of(np.concatenate(found))


def repeated(arrays: Arrays, num_rows: int) -> Arrays:
    return {name: np.repeat(array, num_rows, axis=0) for name, array in arrays.items()}


def where_it_looked(runtime: Runtime, arrays: Arrays, target: int, num_cells: int = NUM_CELLS) -> np.ndarray:
    """Returns float (cells, cells) of 0..1: how far the class falls when that piece of the picture has the mean colour.

    Takes a batch of one.
    """
    side = arrays["picture"].shape[2]
    bounds = np.linspace(0, side, num_cells + 1).round().astype(int)
    rows = repeated(arrays, num_cells**2 + 1)
    for number in range(num_cells**2):
        top, left = divmod(number, num_cells)
        rows["picture"][number, :, bounds[top] : bounds[top + 1], bounds[left] : bounds[left + 1]] = 0
    found_B = scores(runtime, rows)[:, target]
    falls = (found_B[-1] - found_B[:-1]).clip(min=0).reshape(num_cells, num_cells)
    scaled: np.ndarray = falls / falls.max() if falls.max() > 0 else falls
    return scaled


def words_that_counted(runtime: Runtime, arrays: Arrays, places: Sequence[Sequence[int]], hidden_token: int) -> np.ndarray:
    """Returns (K, N): how far each class falls when a word, given by the places of its tokens, is hidden. Takes a batch of one."""
    rows = repeated(arrays, len(places) + 1)
    for number, tokens in enumerate(places):
        rows["tokens"][number, list(tokens)] = hidden_token
    found_BK = scores(runtime, rows)
    fallen: np.ndarray = (found_BK[-1] - found_BK[:-1]).T
    return fallen
