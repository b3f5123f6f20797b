"""Reads whatever `datasets.load_dataset` reads: a hub name, or a folder of Parquet, Arrow, JSON, CSV or `imagefolder` files."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from trainer.catalog import KINDS, kind_of
from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.lines import fields_of
from trainer.data.importers.pictures import Refused
from trainer.data.importers.pictures import read as read_file
from trainer.data.importers.report import Report
from trainer.data.importers.table import split_of, text_of

COLUMNS = ("image", "text", "label")


def read(source: str, report: Report) -> Found:
    """Takes the columns image, text and label that there are, or those of a kind for language models.

    Raises ValueError for what cannot be loaded or has none of them.
    """
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        try:
            splits = datasets.load_dataset(source, cache_dir=cache)
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            raise ValueError(f"source: cannot load {source!r}: {str(error).strip().splitlines()[0]}") from error
        found = [entry for name, rows in splits.items() for entry in entries_of(name, rows, report)]
        features = next(iter(splits.values())).features
    kind = language_kind(features)
    columns = KINDS[kind] if kind else tuple(name for name in COLUMNS if name in features)
    if not columns:
        raise ValueError(
            f"source: {source!r} has no column image, text or label and nothing for language models; it has {', '.join(features)}"
        )
    classes = tuple(getattr(features.get("label"), "names", None) or ())
    return Found(found, columns, f"Imported from {source} by the datasets library.", classes)


def language_kind(features: Collection[str]) -> str | None:
    """A text with a picture or a label is a sentence of theirs, and no document."""
    return None if {"image", "label"} & set(features) else kind_of(features)


def entries_of(split: str, rows: Any, report: Report) -> Iterator[Entry]:
    """Pictures stay encoded; a label number becomes its name."""
    import datasets

    if isinstance(rows.features.get("image"), datasets.Image):
        rows = rows.cast_column("image", datasets.Image(decode=False))
    names, kind = getattr(rows.features.get("label"), "names", None), language_kind(rows.features)
    for number, row in enumerate(rows):
        name = f"{split}:{number}"
        try:
            if kind:
                yield Entry(name, split=split_of({"split": split}), fields=fields_of(row, kind))
                continue
            text = text_of(row) if "text" in row else None
            yield Entry(name, picture_of(row), text, label_of(row, names), split_of({"split": split}))
        except Refused as refusal:
            report.skip(str(refusal), name)


def picture_of(row: dict[str, Any]) -> bytes | None:
    """Raises Refused for a row without a picture or with one that is not encoded."""
    if "image" not in row:
        return None
    image = row["image"]
    if isinstance(image, dict):
        image = image["bytes"] or (read_file(Path(image["path"])) if image["path"] else None)
    if not isinstance(image, bytes):
        raise Refused("the picture is missing")
    return image


def label_of(row: dict[str, Any], names: list[str] | None) -> str | None:
    label = row.get("label")
    if label is None:
        return None
    return names[label] if names and isinstance(label, int) and 0 <= label < len(names) else str(label)
