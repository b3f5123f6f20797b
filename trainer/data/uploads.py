"""Judges what a stranger hands in, by content and before anything is decoded. Imports neither torch nor numpy."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

MAX_BYTES = 10 * 2**20
MAX_PIXELS = 25_000_000
MAX_CHARACTERS = 10_000
# A decoder goes over all pixels of a progressive JPEG once for each scan; libjpeg writes about ten.
MAX_SCANS = 100
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
# Pillow's own bounds, above ours; the warning is an exception where warnings are errors.
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# In a JPEG's compressed data only a marker is 0xFF and neither 0 nor a restart.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
SURROGATE = re.compile("[\ud800-\udfff]")
# What Pillow's readers raise for bytes that are not what they claim to be.
MALFORMED = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)


class TooLarge(ValueError):
    """More than a prediction takes: bytes, pixels or characters."""


@dataclass(frozen=True)
class Picture:
    """What the header of a picture says of it."""

    format: str
    width: int
    height: int


def check_picture(data: bytes) -> Picture:
    """Reads the header alone. Raises TooLarge or ValueError with a sentence for the person."""
    if not data:
        raise ValueError("The picture is empty.")
    if len(data) > MAX_BYTES:
        raise TooLarge(f"The picture has {len(data) / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.1f} MB are taken.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            found = Picture(str(opened.format), *opened.size)
    except BOMB:
        raise TooLarge(f"The picture has too many pixels; at most {MAX_PIXELS / 1e6:.0f} megapixels are taken.") from None
    except MALFORMED:
        raise ValueError("This file is not a JPEG, PNG, WebP or GIF picture.") from None
    if found.width * found.height > MAX_PIXELS:
        raise TooLarge(f"The picture has {found.width * found.height / 1e6:.0f} megapixels; at most {MAX_PIXELS / 1e6:.0f} are taken.")
    if found.format in ("JPEG", "MPO") and num_scans(data) > MAX_SCANS:
        raise TooLarge(f"The picture is stored in too many scans; at most {MAX_SCANS} are taken.")
    return found


def num_scans(data: bytes) -> int:
    """Walks a JPEG from marker to marker; stops counting behind MAX_SCANS."""
    place, found = 2, 0
    while found <= MAX_SCANS and (marker := MARKER.search(data, place)) and marker[0][1] != END_OF_IMAGE:
        found += marker[0][1] == START_OF_SCAN
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return found


def check_text(text: str) -> str:
    """Returns the sentence without surrounding white space. Raises TooLarge or ValueError with a sentence for the person."""
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are taken.")
    if "\x00" in text:
        raise ValueError("The text contains a NUL character.")
    if SURROGATE.search(text):
        raise ValueError("The text contains half of a character: it was cut or is no Unicode.")
    if not text.strip():
        raise ValueError("Write a sentence: the text is empty.")
    return text.strip()
