"""A split as arrays in files: whoever measures needs neither data sets nor a tokenizer. Free of torch. N samples, T tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.pictures import normalise
from trainer.runtimes import Arrays, ModelCard

if TYPE_CHECKING:  # whoever measures reads no data set
    from trainer.data.samples import Index, Samples

BATCH_SIZE = 16
TOKENS = ("tokens", "mask")


def write(folder: Path, card: ModelCard, samples: Samples) -> None:
    """Writes what the model looks at: pictures uint8 (N, 3, side, side), tokens and mask int64 (N, T)."""
    folder.mkdir()
    order = samples.in_order()
    if "picture" in card.names:
        shape = (len(order), 3, card.image_size, card.image_size)
        pictures = np.lib.format.open_memmap(folder / "picture.npy", "w+", np.uint8, shape)
        for start in range(0, len(order), BATCH_SIZE):
            pictures[start : start + BATCH_SIZE] = samples.pictures(order[start : start + BATCH_SIZE])[0]
        pictures.flush()
    if "tokens" in card.names:
        for name, array in zip(TOKENS, samples.tokens(order), strict=True):
            np.save(folder / f"{name}.npy", array)


class Questions:
    """What `write` wrote; only what is asked for is read."""

    def __init__(self, folder: Path, card: ModelCard) -> None:
        self.columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in card.names}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def batch(self, start: int, size: int) -> Arrays:
        """Returns the model's inputs for `size` samples from `start` on, going round at the end."""
        chosen = np.arange(start, start + size) % len(self)
        arrays = {name: np.array(column[chosen]) for name, column in self.columns.items()}
        return {name: normalise(array) if name == "picture" else array for name, array in arrays.items()}

    def batches(self) -> Iterator[Arrays]:
        """Every sample once, the last batch as short as it is."""
        for start in range(0, len(self), BATCH_SIZE):
            yield self.batch(start, min(BATCH_SIZE, len(self) - start))


def gather(card: ModelCard, samples: Samples, indices: Sequence[Index]) -> Arrays:
    """Returns the model's inputs for some samples."""
    arrays: Arrays = {}
    if "picture" in card.names:
        arrays["picture"] = normalise(samples.pictures(indices)[0])
    if "tokens" in card.names:
        arrays["tokens"], arrays["mask"] = samples.tokens(indices)
    return arrays
