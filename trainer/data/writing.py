"""Writes a data set in the one format that everything reads: a card and a Parquet file per split."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from trainer.catalog import CARD, STRINGS

TYPES = {"image": pyarrow.binary(), "label": pyarrow.int64(), **dict.fromkeys(STRINGS, pyarrow.string())}
# Rows that are in memory at a time; among these equal pictures are stored once.
NUM_ROWS, NUM_BYTES = 4096, 32 * 2**20


@dataclass(frozen=True)
class Sample:
    """A row; a column that the data set lacks is None. `fields` are the columns of text beside `text`."""

    image: bytes | None = None
    text: str | None = None
    label: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def strings(self) -> list[str]:
        return [*self.fields.values(), *([] if self.text is None else [self.text])]

    def value(self, column: str) -> Any:
        return self.fields[column] if column in self.fields else getattr(self, column)


@dataclass
class Tally:
    """What was counted while the rows went by."""

    num_samples: int = 0
    num_texts: int = 0
    num_words: int = 0

    def count(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            self.num_samples += 1
            if sample.strings:
                self.num_texts, self.num_words = self.num_texts + 1, self.num_words + sum(len(each.split()) for each in sample.strings)
            yield sample


def write_dataset(folder: Path, splits: Mapping[str, Iterable[Sample]], columns: Sequence[str], **card: Any) -> None:
    """Writes under another name first; a folder of that name is always whole."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        tallies = {split: write_split(partial / f"{split}.parquet", samples, columns) for split, samples in splits.items()}
        document = {"name": folder.name, **card, "columns": list(columns), **facts(partial, tallies)}
        (partial / CARD).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def facts(folder: Path, tallies: Mapping[str, Tally]) -> dict[str, Any]:
    fingerprint = hashlib.sha256()
    for split in tallies:
        fingerprint.update((folder / f"{split}.parquet").read_bytes())
    num_texts, num_words = sum(tally.num_texts for tally in tallies.values()), sum(tally.num_words for tally in tallies.values())
    return {
        "num_samples": {split: tally.num_samples for split, tally in tallies.items()},
        "mean_words": round(num_words / num_texts, 2) if num_texts else None,
        "size_bytes": sum(path.stat().st_size for path in folder.iterdir()),
        "fingerprint": fingerprint.hexdigest(),
    }


def write_split(path: Path, samples: Iterable[Sample], columns: Sequence[str]) -> Tally:
    tally, schema = Tally(), pyarrow.schema([(column, TYPES[column]) for column in columns])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=True, dictionary_pagesize_limit=2**28) as writer:
        for rows in groups(tally.count(samples)):
            writer.write_table(pyarrow.table({column: [row.value(column) for row in rows] for column in columns}, schema=schema))
    return tally


def groups(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    rows: list[Sample] = []
    num_bytes = 0
    for sample in samples:
        rows.append(sample)
        num_bytes += len(sample.image or b"")
        if len(rows) == NUM_ROWS or num_bytes >= NUM_BYTES:
            yield rows
            rows, num_bytes = [], 0
    if rows:
        yield rows
