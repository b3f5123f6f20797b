"""Reads MVSA-Single and MVSA-Multiple as they lie on disk: `data/ID.jpg`, `data/ID.txt`, `labelResultAll.txt`.

The label of a pair follows MultiSentiNet (CIKM 2017), as everyone has since: per modality the majority of the annotators; then
equal labels stay, a neutral one gives way to the other, positive against negative is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.pictures import Refused
from trainer.data.importers.report import Report
from trainer.data.importers.splitting import SPLITS

LABEL_FILE = "labelResultAll.txt"
CLASSES = ("negative", "neutral", "positive")
NUM_ANNOTATORS = (1, 3)


def find(root: Path) -> Path | None:
    """Returns the label file in the folder or up to two folders below. Raises ValueError when there are several."""
    found = [path for depth in ("", "*/", "*/*/") for path in sorted(root.glob(depth + LABEL_FILE))]
    if len(found) > 1:
        raise ValueError(f"{root} has several {LABEL_FILE}: name the folder of one ({', '.join(str(path.parent) for path in found)})")
    return found[0] if found else None


def read(root: Path, report: Report, split_files: Sequence[Path] = (), *, consistent_only: bool = False) -> Found:
    """Raises ValueError for a folder without the label file or a split file that is not one."""
    path = find(root)
    if path is None:
        raise ValueError(f"{root} has no {LABEL_FILE}")
    splits = read_splits(split_files)
    entries = list(entries_of(path, splits, report, consistent_only=consistent_only))
    rule = "equal labels only" if consistent_only else "neutral gives way, opposite labels left out"
    how = "the given split files" if splits else "8:1:1, stratified by a seed"
    return Found(entries, ("image", "text", "label"), f"MVSA, {rule}; split: {how}.", CLASSES)


def read_splits(files: Sequence[Path]) -> dict[str, str]:
    """Returns id -> split of three JSON lists of {"id": ...}: train, validation and test, in this order."""
    if not files:
        return {}
    if len(files) != len(SPLITS):
        raise ValueError(f"--split-file: give three files (train, validation, test), not {len(files)}")
    return {str(row["id"]): split for split, path in zip(SPLITS, files, strict=True) for row in split_rows(path)}


def split_rows(path: Path) -> list[dict[str, object]]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise ValueError(f"--split-file: {path} is no JSON list of objects with an id")
    return rows


def entries_of(path: Path, splits: dict[str, str], report: Report, *, consistent_only: bool) -> Iterator[Entry]:
    num_latin = 0
    for line in path.read_text(encoding="latin-1").splitlines():
        identifier, *fields = line.split() or [""]
        if not identifier.isdigit():
            continue  # the header, an empty line
        try:
            label = merge(*(majority(labels) for labels in by_modality(fields)), consistent_only=consistent_only)
            text, is_latin = read_text(path.parent / "data" / f"{identifier}.txt")
            split = split_of(identifier, splits)
        except Refused as refusal:
            report.skip(str(refusal), identifier)
            continue
        num_latin += is_latin
        yield Entry(identifier, path.parent / "data" / f"{identifier}.jpg", text, label, split)
    if num_latin:
        report.notes.append(f"{num_latin:,} texts were not UTF-8 and were read as Latin-1")


def by_modality(fields: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the annotators' labels of the text and of the image. Raises Refused for a line that is no label line."""
    pairs = [field.split(",") for field in fields]
    if len(pairs) not in NUM_ANNOTATORS or any(len(pair) != 2 or not set(pair) <= set(CLASSES) for pair in pairs):
        raise Refused("the label line cannot be read")
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def majority(labels: Sequence[str]) -> str:
    """More than half of the annotators must agree."""
    label, count = Counter(labels).most_common(1)[0]
    if count * 2 <= len(labels):
        raise Refused("the annotators disagree")
    return label


def merge(text: str, image: str, *, consistent_only: bool = False) -> str:
    if text == image:
        return text
    if consistent_only:
        raise Refused("text and image have different labels")
    if "neutral" not in (text, image):
        raise Refused("text and image have opposite labels")
    return text if image == "neutral" else image


def read_text(path: Path) -> tuple[str, bool]:
    """Returns the sentence, and whether it had to be read as Latin-1."""
    if path.is_symlink() or not path.is_file():
        raise Refused("the text is missing")
    data = path.read_bytes()
    try:
        text, is_latin = data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text, is_latin = data.decode("latin-1"), True
    text = " ".join(text.replace("\0", " ").split())
    if not text:
        raise Refused("the text is empty")
    return text, is_latin


def split_of(identifier: str, splits: dict[str, str]) -> str | None:
    if splits and identifier not in splits:
        raise Refused("the pair is in no split file")
    return splits.get(identifier)
