"""Reads the rows of a data set's split from its Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from trainer import catalog
from trainer.catalog import STRINGS


class Rows:
    """One split in memory. `texts` and `labels` (int64, N) are None where the data set has no such column.

    `strings` are all columns of text by name.
    """

    def __init__(self, card: catalog.Card, table: pyarrow.Table) -> None:
        self.card = card
        self.num_rows: int = table.num_rows
        self.strings: dict[str, list[str]] = {name: table[name].to_pylist() for name in card.columns if name in STRINGS}
        self.texts: list[str] | None = self.strings.get("text")
        # `to_numpy` of a chunked column would first import pandas, half a second.
        self.labels: np.ndarray | None = np.array(table["label"].to_pylist(), np.int64) if "label" in card.columns else None
        # Kept in chunks: one array holds 2 GiB at most.
        self._images = table["image"] if "image" in card.columns else None

    def __len__(self) -> int:
        return self.num_rows

    def image(self, row: int) -> bytes:
        """Returns the encoded bytes of a row's picture."""
        assert self._images is not None
        data: bytes = self._images[row].as_py()
        return data


def open_dataset(name: str, split: str, folders: Sequence[Path] = ()) -> Rows:
    """Raises ValueError for an unknown data set or one without the split."""
    card = catalog.find(name, folders)
    path = card.folder / f"{split}.parquet"
    if not path.exists():
        raise ValueError(f"data set {name!r} has no {split} split")
    with pyarrow.parquet.ParquetFile(path) as file:  # `read_table` would first import pyarrow.dataset, 0.15 s
        if not file.metadata.num_rows:
            raise ValueError(f"the {split} split of {name} is empty")
        return Rows(card, file.read())
