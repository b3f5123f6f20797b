"""What a stranger may hand in: judged by content, before anything is decoded."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from trainer.data.uploads import MAX_BYTES, TooLarge, check_picture, check_text


def encode(form: str, mode: str = "RGB", size: tuple[int, int] = (8, 6), **options: object) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, 1).save(target, form, **options)
    return target.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("form", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "I;16"), ("GIF", "P"), ("WEBP", "RGB")]
)
def test_the_four_formats_are_told_by_their_content(form: str, mode: str) -> None:
    found = check_picture(encode(form, mode))
    assert (found.format, found.width, found.height) == (form, 8, 6)


@pytest.mark.parametrize(
    "data", [b"GIF89a", b"\xff\xd8\xff", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ" * 500, bytes(100)]
)
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a JPEG, PNG, WebP or GIF") as caught:
        check_picture(data)
    assert not isinstance(caught.value, TooLarge)


@pytest.mark.parametrize("form", ["BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused_although_pillow_knows_them(form: str) -> None:
    with pytest.raises(ValueError, match="not a JPEG"):
        check_picture(encode(form))


def test_no_bytes_are_no_picture() -> None:
    with pytest.raises(ValueError, match="empty"):
        check_picture(b"")


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(TooLarge, match=r"10\.5 MB"):
        check_picture(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(("width", "height"), [(5001, 5000), (8000, 6250), (12_000, 12_000), (65_535, 65_535), (2**31 - 1, 1)])
def test_too_many_pixels_are_refused_by_the_header_alone(width: int, height: int) -> None:
    with pytest.raises(TooLarge, match="pixels"):
        check_picture(png_of(width, height))


def test_exactly_25_megapixels_are_taken() -> None:
    assert check_picture(png_of(5000, 5000)).width == 5000


def test_text_comes_back_without_space_around_it() -> None:
    assert check_text("  good \n") == "good"
    assert check_text("x" * 10_000)


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), (" \n\t", "empty"), ("a\0b", "NUL")])
def test_text_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_text(text)


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(TooLarge, match="100,000 characters"):
        check_text("x" * 100_000)


def test_judging_uploads_needs_neither_torch_nor_numpy() -> None:
    program = "import sys, trainer.data.uploads; print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
