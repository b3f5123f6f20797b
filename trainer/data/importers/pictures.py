"""The pictures of an import: found inside the folder, checked by content, made no larger than any encoder takes."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageOps

from trainer.data.pictures import flatten
from trainer.data.uploads import MALFORMED, TooLarge, check_picture

LARGEST_SIDE = 512  # no encoder of a config sees more
QUALITY = 92


class Refused(ValueError):
    """A picture that is left out; the message is the reason that the report counts."""


def locate(root: Path, name: str) -> Path:
    """Returns the path of a file named by a table. Raises Refused for one that leaves the folder, even by a link."""
    anchor = root.resolve()
    plain = Path(os.path.normpath(anchor / name))
    if not plain.is_relative_to(anchor):
        raise Refused("the picture lies outside the folder")
    if plain.resolve() != plain:
        raise Refused("the picture is a link")
    return plain


def check(picture: Path | bytes) -> None:
    """Raises Refused unless it is a whole picture."""
    data = picture if isinstance(picture, bytes) else read(picture)
    if not data:
        raise Refused("the picture is empty")
    try:
        check_picture(data)
    except TooLarge as error:
        raise Refused("the picture is too large") from error
    except ValueError as error:
        raise Refused("the file is no picture") from error
    try:
        opened(data)
    except MALFORMED as error:
        raise Refused("the picture is cut short or damaged") from error


def read(path: Path) -> bytes:
    if path.is_symlink():
        raise Refused("the picture is a link")
    if not path.is_file():
        raise Refused("the picture is missing")
    return path.read_bytes()


def opened(data: bytes) -> Image.Image:
    """Decodes a picture to upright RGB."""
    with Image.open(io.BytesIO(data)) as picture:
        return flatten(ImageOps.exif_transpose(picture))


def stored(picture: Path | bytes) -> bytes:
    """Returns the bytes as they are, or a JPEG whose shorter side is 512 px where both sides are longer."""
    data = picture if isinstance(picture, bytes) else picture.read_bytes()
    found = check_picture(data)
    shorter = min(found.width, found.height)
    if shorter <= LARGEST_SIDE:
        return data
    longer = round(max(found.width, found.height) * LARGEST_SIDE / shorter)
    small = ImageOps.contain(opened(data), (longer, longer))
    target = io.BytesIO()
    small.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
