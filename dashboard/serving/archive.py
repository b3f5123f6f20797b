"""A folder as a tar archive, a part at a time: a model is never in memory as a whole."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

PART = 2**20
BLOCK = 512
END = bytes(2 * BLOCK)


def parts(folder: Path, name: str) -> Iterator[bytes]:
    """Yields the archive of the folder under a name. Files alone, without the owner and the rights they have here."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        entry = tarfile.TarInfo(f"{name}/{path.relative_to(folder)}")
        entry.size, entry.mtime = path.stat().st_size, int(path.stat().st_mtime)
        yield entry.tobuf()
        yield from content(path)
        if rest := -entry.size % BLOCK:
            yield bytes(rest)
    yield END


def content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART):
            yield part
