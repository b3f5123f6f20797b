"""Single samples of a data set, for the pages that show what a model said of them: their texts, and the picture as it lies there."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow
import pyarrow.parquet
from django.conf import settings
from PIL import Image, UnidentifiedImageError

from trainer import catalog

SPLITS = ("train", "validation", "test")
# What browsers show; anything else is not handed out.
CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
NUM_KEPT, LARGEST_KEPT = 4, 64 * 2**20
Key = tuple[Path, int, int, str]


class Columns:
    """The row groups of single columns that were read last; large ones are read anew each time."""

    def __init__(self) -> None:
        self.lock, self.kept = Lock(), OrderedDict[Key, pyarrow.ChunkedArray]()

    def value(self, path: Path, column: str, row: int) -> Any:
        """Raises IndexError where there are fewer rows."""
        with pyarrow.parquet.ParquetFile(path) as file:
            if not 0 <= row < file.metadata.num_rows:
                raise IndexError(row)
            group = 0
            while row >= (num := file.metadata.row_group(group).num_rows):
                row, group = row - num, group + 1
            return self.group(file, (path, path.stat().st_mtime_ns, group, column))[row].as_py()

    def group(self, file: pyarrow.parquet.ParquetFile, key: Key) -> pyarrow.ChunkedArray:
        with self.lock:
            found = self.kept.get(key)
        if found is None:
            found = file.read_row_group(key[2], columns=[key[3]])[key[3]]
            with self.lock:
                if found.nbytes <= LARGEST_KEPT:
                    self.kept[key] = found
                while len(self.kept) > NUM_KEPT:
                    self.kept.popitem(last=False)
        return found


columns = Columns()


def path_of(dataset: str, split: str) -> tuple[catalog.Card, Path] | None:
    card = catalog.load([settings.DATASETS_DIR]).get(dataset)
    if card is None or split not in SPLITS or not (card.folder / f"{split}.parquet").is_file():
        return None
    return card, card.folder / f"{split}.parquet"


def picture(dataset: str, split: str, row: int) -> tuple[bytes, str] | None:
    """Returns the picture's bytes and their content type; None where there is none that a browser shows."""
    found = path_of(dataset, split)
    if found is None or "image" not in found[0].columns:
        return None
    try:
        data: bytes = columns.value(found[1], "image", row)
        with Image.open(io.BytesIO(data)) as opened:
            content_type = CONTENT_TYPES.get(opened.format or "")
    except (IndexError, UnidentifiedImageError):
        return None
    return (data, content_type) if content_type else None


def texts(dataset: str, split: str, rows: Collection[int]) -> dict[int, str]:
    """Returns the text of each row, its columns joined by a line each; what is not there any more is left out."""
    found = path_of(dataset, split)
    if found is None:
        return {}
    card, path = found
    names = [name for name in card.columns if name in catalog.STRINGS]
    return {row: "\n".join(value for name in names if (value := text_at(path, name, row))) for row in rows}


def text_at(path: Path, column: str, row: int) -> str:
    try:
        return str(columns.value(path, column, row) or "")
    except IndexError:
        return ""
