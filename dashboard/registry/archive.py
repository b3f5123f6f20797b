"""A version as one tar file: the same bytes at every download, streamed, with the digests of all that is in it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

SUMS = "SHA256SUMS"
BLOCK = tarfile.BLOCKSIZE
PIECE = 2**20
END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Archive:
    """What decides its bytes: the folder's name inside, the files with their digests, and the time that all of them bear."""

    name: str
    folder: Path
    files: Mapping[str, Mapping[str, Any]]
    at: datetime

    def pieces(self) -> Iterator[bytes]:
        """Yields the archive, at most a mebibyte at a time. Raises OSError where a file is gone or has another size."""
        sums = self.sums()
        yield self.header(SUMS, len(sums)) + sums + padding(len(sums))
        for name, expected in sorted(self.files.items()):
            yield self.header(name, expected["size_bytes"])
            yield from content(self.folder / name, expected["size_bytes"])
            yield padding(expected["size_bytes"])
        yield END

    def sums(self) -> bytes:
        """As `sha256sum -c` reads them."""
        return "".join(f"{expected['sha256']}  {name}\n" for name, expected in sorted(self.files.items())).encode()

    def header(self, name: str, size_bytes: int) -> bytes:
        entry = tarfile.TarInfo(f"{self.name}/{name}")
        entry.size, entry.mode, entry.mtime = size_bytes, 0o644, int(self.at.timestamp())
        return entry.tobuf(tarfile.PAX_FORMAT)

    def measured(self) -> tuple[str, int]:
        """Returns the digest and the size in bytes of the whole."""
        digest, size_bytes = sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            size_bytes += len(piece)
        return digest.hexdigest(), size_bytes


def content(path: Path, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    with path.open("rb") as file:
        while piece := file.read(min(PIECE, left)):
            left -= len(piece)
            yield piece
    if left:
        raise OSError(f"{path.name} is shorter than it was")


def padding(size_bytes: int) -> bytes:
    return bytes(-size_bytes % BLOCK)
