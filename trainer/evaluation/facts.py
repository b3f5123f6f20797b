"""What is known of a sample beside its label: the length of its text, the kind and size of its picture. Free of torch."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from trainer.data.reading import Rows

# The last of each range of words, and of pixels on the longer side.
WORDS = (0, 4, 8, 16, 32, 64, 128, 256)
PIXELS = (64, 128, 256, 512, 1024)


class Facts(NamedTuple):
    """Of a text (words, characters) and of a picture as it lies in the data set (file format, colour mode, pixels); None without."""

    num_words: int | None = None
    num_characters: int | None = None
    picture_format: str | None = None
    picture_mode: str | None = None
    width: int | None = None
    height: int | None = None


def facts_of(rows: Rows, row: int) -> Facts:
    """Reads the header of the picture alone."""
    text = rows.texts[row] if rows.texts is not None else None
    known = Facts() if text is None else Facts(len(text.split()), len(text))
    return with_picture(known, rows.image(row)) if "image" in rows.card.columns else known


def with_picture(known: Facts, data: bytes) -> Facts:
    with Image.open(io.BytesIO(data)) as opened:
        return known._replace(picture_format=opened.format, picture_mode=opened.mode, width=opened.width, height=opened.height)


def ranges(numbers: np.ndarray, lasts: tuple[int, ...]) -> list[str]:
    """Returns the name of the range of each number: "5-8", and "257 and more" behind the last."""
    names = [f"{low}-{high}" if low < high else str(high) for low, high in zip(firsts(lasts), lasts, strict=False)]
    names.append(f"{lasts[-1] + 1} and more")
    return [names[place] for place in np.searchsorted(lasts, numbers)]


def firsts(lasts: tuple[int, ...]) -> list[int]:
    """The ranges of whole numbers begin at 0, or at 1 where the first is not 0 alone."""
    return [0 if lasts[0] == 0 else 1, *(last + 1 for last in lasts[:-1])]
