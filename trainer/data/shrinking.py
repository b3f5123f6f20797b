"""A picture as it is kept: small, upright, a JPEG of our own making, without anything that its file said beside the pixels."""

from __future__ import annotations

import io

from PIL import Image

from trainer.data.pictures import flatten, turn_upright
from trainer.data.uploads import MALFORMED, check_picture

QUALITY = 88


def shrunk(data: bytes, side: int) -> bytes:
    """Returns JPEG bytes whose longer side is at most `side` pixels. Raises TooLarge or ValueError with a sentence for the person."""
    check_picture(data)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            turn_upright(opened)
            flat = flatten(opened)
    except MALFORMED as error:
        raise ValueError("The picture is damaged or cut short.") from error
    flat.thumbnail((side, side))
    written = io.BytesIO()
    Image.frombytes("RGB", flat.size, flat.tobytes()).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()
