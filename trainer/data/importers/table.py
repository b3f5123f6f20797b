"""Reads a folder with a table: `metadata.jsonl`, `metadata.csv` or one other JSONL or CSV file, a row a sample."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.pictures import Refused, locate
from trainer.data.importers.report import Report
from trainer.data.importers.splitting import SPLITS

NAMES = ("metadata.jsonl", "metadata.csv")
OTHER_SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation"}
# Bytes that are not UTF-8 become lone surrogates, so that one bad row costs that row alone.
FIRST_SURROGATE, LAST_SURROGATE = "\udc80", "\udcff"


def find(root: Path) -> Path | None:
    """Returns the table of a folder: the conventional name, or the only JSONL or CSV file. Raises ValueError when there are several."""
    for name in NAMES:
        if (root / name).is_file():
            return root / name
    tables = sorted(path for path in root.iterdir() if path.suffix in (".jsonl", ".csv"))
    if len(tables) > 1:
        raise ValueError(
            f"{root} has several tables ({', '.join(path.name for path in tables)}): call the one to read metadata{tables[0].suffix}"
        )
    return tables[0] if tables else None


def read(root: Path, report: Report) -> Found:
    """Columns `file_name`, `text`, `label` and `split`, each optional. Raises ValueError when the table has none of the first three."""
    path = find(root)
    if path is None:
        raise ValueError(f"{root} has no metadata.jsonl and no CSV file")
    rows = list(rows_of(path, report))
    present = {key for _, row in rows for key in row}
    columns = tuple(name for name, key in (("image", "file_name"), ("text", "text"), ("label", "label")) if key in present)
    if not columns:
        raise ValueError(f"{path.name} has no column file_name, text or label")
    found = (entry_of(root, f"{path.name}:{number}", row, columns, report) for number, row in rows)
    return Found([entry for entry in found if entry], columns, f"Imported from the table {path.name}.")


def rows_of(path: Path, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields line number and row; a line that is no row is counted."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictReader(file)
            yield from ((table.line_num, {key: value for key, value in row.items() if value and key}) for row in table)
            return
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line) if line.strip() else None
            except json.JSONDecodeError:
                report.skip("the line is no JSON", f"{path.name}:{number}")
                continue
            if isinstance(row, dict):
                yield number, row


def entry_of(root: Path, name: str, row: dict[str, Any], columns: tuple[str, ...], report: Report) -> Entry | None:
    try:
        picture = locate(root, str(row.get("file_name", ""))) if "image" in columns else None
        text = text_of(row) if "text" in columns else None
        label = str(row.get("label", "")).strip() if "label" in columns else None
        return Entry(str(row.get("file_name") or name), picture, text, label, split_of(row))
    except Refused as refusal:
        report.skip(str(refusal), name)
        return None


def text_of(row: dict[str, Any]) -> str:
    text = " ".join(str(row.get("text", "")).split())
    if any(FIRST_SURROGATE <= letter <= LAST_SURROGATE for letter in text):
        raise Refused("the text is not UTF-8")
    if not text:
        raise Refused("the text is empty")
    return text


def split_of(row: dict[str, Any]) -> str | None:
    given = str(row.get("split", "")).strip().lower()
    name = OTHER_SPLIT_NAMES.get(given, given)
    if name and name not in SPLITS:
        raise Refused("the split is none of train, validation, test")
    return name or None
