"""Judges what a stranger hands in, by content and before anything is decoded. Imports neither torch nor numpy."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

MAX_BYTES = 10 * 2**20
MAX_PIXELS = 25_000_000
MAX_CHARACTERS = 10_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
# Pillow's own bounds, above ours; the warning is an exception where warnings are errors.
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
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
    return found


def check_text(text: str) -> str:
    """Returns the sentence without surrounding white space. Raises TooLarge or ValueError with a sentence for the person."""
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are taken.")
    if "\x00" in text:
        raise ValueError("The text contains a NUL character.")
    if not text.strip():
        raise ValueError("Write a sentence: the text is empty.")
    return text.strip()
