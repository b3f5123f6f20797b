"""Reads class folders: `CLASS/picture.jpg`, or `train/CLASS/picture.jpg` and the like."""

from __future__ import annotations

from pathlib import Path

from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.report import Report
from trainer.data.importers.splitting import SPLITS
from trainer.data.importers.table import OTHER_SPLIT_NAMES

NAMES = {**{name: name for name in SPLITS}, **OTHER_SPLIT_NAMES}


def read(root: Path, report: Report) -> Found:
    """The folder is the class. Raises ValueError when there are no folders in the folder."""
    folders = folders_in(root)
    if not folders:
        raise ValueError(f"{root} has no table, no labelResultAll.txt and no class folders")
    if all(folder.name.lower() in NAMES for folder in folders):
        entries = [entry for folder in folders for entry in entries_in(folder, NAMES[folder.name.lower()])]
    else:
        entries = entries_in(root, None)
    return Found(entries, ("image", "label"), "Imported from class folders.")


def folders_in(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and not path.name.startswith("."))


def entries_in(root: Path, split: str | None) -> list[Entry]:
    return [
        Entry(f"{folder.name}/{path.name}", path, None, folder.name, split)
        for folder in folders_in(root)
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not path.is_dir()
    ]
