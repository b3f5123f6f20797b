"""A folder's manifest: the digest of every file, so that a changed byte is noticed before it is used. Torch-free."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


class Damaged(ValueError):
    """A folder that is not what was saved."""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> int:
    """Writes the manifest of the files that lie in the folder; returns their size in bytes."""
    paths = sorted(folder.iterdir())
    files = {path.name: {"sha256": digest(path), "size_bytes": path.stat().st_size} for path in paths}
    size_bytes = sum(path.stat().st_size for path in paths)
    (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=1))
    return size_bytes


def files_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns digest and size of every file by its name, as the manifest has them. Raises Damaged where it cannot be read."""
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"{folder.name}: no readable {MANIFEST}") from error
    return files


def verify(folder: Path) -> None:
    """Raises Damaged, naming the file, unless every file is as the manifest says."""
    for name, expected in files_of(folder).items():
        path = folder / name
        if not path.is_file() or digest(path) != expected["sha256"]:
            raise Damaged(f"{folder.name}: {name} is not what was saved")
