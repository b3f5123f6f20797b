"""The Parquet file that keeps what was said of every sample: written whole, read in its order or worst first. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

LOSS = "loss"
NOTES = b"anneal"


def write(path: Path, columns: Mapping[str, Sequence[Any] | np.ndarray], notes: Mapping[str, Any]) -> None:
    """Writes columns of equal length, `loss` among them; `notes` is JSON about all of them. Nothing half written lies under the name."""
    assert LOSS in columns
    table = pyarrow.table({name: column_of(values) for name, values in columns.items()})
    partial = path.with_name(f".{path.name}.partial")
    pyarrow.parquet.write_table(table.replace_schema_metadata({NOTES: json.dumps(notes)}), partial)
    partial.replace(path)


def column_of(values: Sequence[Any] | np.ndarray) -> pyarrow.Array:
    """A matrix becomes a list in each row."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.ravel()), values.shape[1])
    return pyarrow.array(values)


def read(path: Path) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Returns the columns as Python values, in the split's order, and the notes. Raises ValueError for another kind of file."""
    with opened(path) as file:
        return file.read().to_pydict(), notes_of(file)


def worst(path: Path, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Returns rows by falling loss; a loss that is no number is the worst, equal ones keep the split's order."""
    return chosen(path, lambda _: True, limit, offset)[0]


def chosen(path: Path, fits: Callable[[Mapping[str, Any]], bool], limit: int, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The same of the rows that fit, and how many there are of them."""
    with opened(path) as file:
        rows: list[dict[str, Any]] = [row for row in file.read().to_pylist() if fits(row)]
    losses = np.array([row[LOSS] for row in rows], np.float64)
    order = np.argsort(-np.where(np.isnan(losses), np.inf, losses), kind="stable")
    return [rows[place] for place in order[offset : offset + limit]], len(rows)


def opened(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path.name} is no Parquet file") from error
    if NOTES not in (file.schema_arrow.metadata or {}):
        file.close()
        raise ValueError(f"{path.name} holds no predictions")
    return file


def notes_of(file: pyarrow.parquet.ParquetFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.schema_arrow.metadata[NOTES])
    return found
