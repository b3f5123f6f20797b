"""Reads JSONL files for language models: the fields of the rows decide whether they are texts, triples, instructions or equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.catalog import KINDS, OPTIONAL, kind_of
from trainer.data.importers.classes import NAMES
from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.pictures import Refused
from trainer.data.importers.report import Report
from trainer.data.importers.table import FIRST_SURROGATE, LAST_SURROGATE, rows_of, split_of


def read(root: Path, report: Report) -> Found:
    """Takes all `*.jsonl` of the folder; `train.jsonl` and the like name a split, so does a field `split`.

    Raises ValueError when there is no file, or the fields of the first row are none that a language model reads.
    """
    paths = sorted(root.glob("*.jsonl"))
    if not paths:
        raise ValueError(f"source: there is no JSONL file in {root}")
    rows = [(path, number, row) for path in paths for number, row in rows_of(path, report)]
    kind = kind_of(rows[0][2]) if rows else None
    if kind is None:
        wanted = "; or ".join(", ".join(column for column in columns if column not in OPTIONAL) for columns in KINDS.values())
        raise ValueError(f"source: the first row of {paths[0].name} has not the fields {wanted}")
    return Found(list(entries_of(rows, kind, report)), KINDS[kind], f"Imported from JSONL: {kind}.")


def entries_of(rows: list[tuple[Path, int, dict[str, Any]]], kind: str, report: Report) -> Iterator[Entry]:
    for path, number, row in rows:
        name = f"{path.name}:{number}"
        try:
            yield Entry(name, split=split_of(row) or NAMES.get(path.stem.lower()), fields=fields_of(row, kind))
        except Refused as refusal:
            report.skip(str(refusal), name)


def fields_of(row: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Returns the columns of a kind; line ends and spaces within stay as they are. Raises Refused, naming the field."""
    return {column: field_of(row, column) for column in KINDS[kind]}


def field_of(row: Mapping[str, Any], column: str) -> str:
    given = row.get(column)
    if given is None and column in OPTIONAL:
        return ""
    if not isinstance(given, str):
        raise Refused(f"the {column} is missing" if given is None else f"the {column} is no text")
    if any(FIRST_SURROGATE <= letter <= LAST_SURROGATE for letter in given):
        raise Refused(f"the {column} is not UTF-8")
    if not given.strip() and column not in OPTIONAL:
        raise Refused(f"the {column} is empty")
    return given.strip("\r\n")
