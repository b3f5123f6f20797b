"""Judges an archive of pictures before anything of it is unpacked; nothing is ever written to disk, and no name of it is used as a path."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from trainer.data.uploads import MAX_BYTES, TooLarge

MAX_ARCHIVE_BYTES = 100 * 2**20
MAX_MEMBERS = 1000
# 46 bytes and a name of a usual length each, and room.
MAX_DIRECTORY_BYTES = 2**20
END_OF_DIRECTORY = b"PK\x05\x06"
END_SIZE = 22
ENCRYPTED = 0x1


def open_archive(file: IO[bytes], size: int) -> zipfile.ZipFile:
    """Raises TooLarge or ValueError with a sentence for the person."""
    if size > MAX_ARCHIVE_BYTES:
        raise TooLarge(_("The archive is too large: at most %(mb)s MB are taken.") % {"mb": MAX_ARCHIVE_BYTES // 10**6})
    check_directory(file, size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ValueError(_("This file is not a ZIP archive, or it is damaged.")) from error
    for member in archive.infolist():
        check_member(member)
    names = [member.filename for member in archive.infolist()]
    if len(set(names)) < len(names):
        raise ValueError(_("The archive names a file twice."))
    return archive


def check_directory(file: IO[bytes], size: int) -> None:
    """Reads how many files an archive claims before its directory is read: that alone may fill the memory."""
    file.seek(max(0, size - END_SIZE - 2**16))
    tail = file.read()
    place = tail.rfind(END_OF_DIRECTORY)
    if place < 0 or len(tail) - place < END_SIZE:
        raise ValueError(_("This file is not a ZIP archive, or it is damaged."))
    num_members, num_bytes = struct.unpack("<HI", tail[place + 10 : place + 16])
    if num_members > MAX_MEMBERS or num_bytes > MAX_DIRECTORY_BYTES:
        raise TooLarge(_("The archive has too many files: at most %(most)s are taken.") % {"most": MAX_MEMBERS})
    file.seek(0)


def check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\x00" in member.filename or ":" in member.filename:
        raise ValueError(_("A name in the archive leads out of it: %(name)s") % {"name": shown(member.filename)})
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(_("The archive holds a link: %(name)s") % {"name": shown(member.filename)})
    if member.flag_bits & ENCRYPTED:
        raise ValueError(_("The archive is encrypted."))


def shown(name: str) -> str:
    """A name as a sentence may show it."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


def files(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yields what is a file and no system's note beside it."""
    for member in archive.infolist():
        parts = PurePosixPath(member.filename).parts
        if not member.is_dir() and not any(part.startswith((".", "__MACOSX")) for part in parts):
            yield member


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int = MAX_BYTES) -> bytes:
    """Returns what is in a file; of one that is larger than it claims, or than is taken, no more is unpacked than it takes to see that.

    Raises TooLarge or ValueError with a sentence for the person.
    """
    try:
        with archive.open(member) as opened:
            data = opened.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(_("This file of the archive is damaged, or packed in a way that is not read.")) from error
    if len(data) > most:
        raise TooLarge(_("This file of the archive is too large: at most %(mb)s MB are taken.") % {"mb": round(most / 10**6, 1)})
    return data
