"""What a stranger may hand in as a picture: every entry made here, with the answer that is right."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

TAKEN, NO_PICTURE, TOO_LARGE = 200, 422, 413
SIDE = 48
EXIF_ORIENTATION = 0x0112


class Hostile(NamedTuple):
    """`shows` says that what the network sees must look like `PICTURE`."""

    name: str
    data: bytes
    status: int
    shows: bool = False


def scene() -> Image.Image:
    """Four corners of four colours: nothing of it may be mirrored, turned or lost."""
    corners = np.array([[(220, 30, 30), (30, 200, 30)], [(30, 30, 220), (240, 240, 240)]], np.uint8)
    return Image.fromarray(corners.repeat(SIDE // 2, 0).repeat(SIDE // 2, 1))


PICTURE = scene()


def encode(form: str, picture: Image.Image = PICTURE, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *between: bytes, body: bytes = b"", bits: int = 8, colour: int = 2) -> bytes:
    """A PNG that claims a size; `body` is what its pixels are deflated from."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(between) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(encode("JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def with_segment(marker: int, body: bytes) -> bytes:
    """A JPEG with a segment behind its first two bytes."""
    data = encode("JPEG", quality=95)
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + data[2:]


def of_many_scans(count: int) -> bytes:
    data = encode("JPEG", progressive=True)
    start, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
    return data[:end] + data[start:end] * count + data[end:]


def gif_of(width: int, height: int, frame: tuple[int, int] | None = None) -> bytes:
    """A GIF of one frame, as large as its screen or as it claims."""
    across, down = frame or (width, height)
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, across, down, 0) + b"\x02\x02\x44\x01\x00;"


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_canvas(width: int, height: int) -> bytes:
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff((b"VP8X", canvas), (b"VP8L", encode("WEBP", lossless=True)[20:]))


def bmp_of(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def tiff_of(width: int, height: int) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height), (279, 4, 4)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[EXIF_ORIENTATION] = orientation
    return found


# --- pictures of unusual kinds, all to be taken --------------------------------------------------------------------------


def kinds() -> Iterator[Hostile]:
    for mode in ("RGB", "L", "CMYK"):
        yield Hostile(f"jpeg {mode}", encode("JPEG", PICTURE.convert(mode), quality=95), TAKEN, mode != "L")
    yield Hostile("jpeg progressive", encode("JPEG", progressive=True, quality=95), TAKEN, True)
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1"):
        yield Hostile(f"png {mode}", encode("PNG", PICTURE.convert(mode)), TAKEN, mode in {"RGB", "RGBA"})
    yield Hostile("png 16-bit grey", encode("PNG", PICTURE.convert("L").convert("I;16")), TAKEN)
    yield Hostile("png 16-bit rgb", png(2, 1, body=b"\x00" + bytes(12), bits=16), TAKEN)
    yield Hostile("png all transparent", encode("PNG", Image.new("RGBA", (9, 9))), TAKEN)
    yield Hostile("png palette with a transparent colour", encode("PNG", PICTURE.convert("P"), transparency=3), TAKEN)
    yield Hostile("png rgb with a transparent colour", encode("PNG", transparency=(1, 2, 3)), TAKEN, True)
    yield Hostile("gif", encode("GIF"), TAKEN, True)
    yield Hostile("gif transparent", encode("GIF", PICTURE.convert("P"), transparency=3), TAKEN)
    yield Hostile("webp", encode("WEBP", quality=95), TAKEN, True)
    yield Hostile("webp lossless rgba", encode("WEBP", PICTURE.convert("RGBA"), lossless=True), TAKEN, True)
    for orientation in range(1, 9):
        yield Hostile(f"jpeg turned {orientation}", turned(orientation), TAKEN, True)
    yield Hostile("jpeg turned 9", encode("JPEG", exif=exif(9), quality=95), TAKEN, True)
    yield Hostile("png turned 6", encode("PNG", turned_back(6), exif=exif(6)), TAKEN, True)
    yield Hostile("webp turned 6", encode("WEBP", turned_back(6), exif=exif(6), quality=95), TAKEN, True)


def turned_back(orientation: int) -> Image.Image:
    """What a camera stores so that PICTURE is upright behind its orientation."""
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    upright = PICTURE.copy()
    upright.getexif()[EXIF_ORIENTATION] = undo
    return ImageOps.exif_transpose(upright)


def turned(orientation: int) -> bytes:
    return encode("JPEG", turned_back(orientation), exif=exif(orientation), quality=95)


def animated() -> Iterator[Hostile]:
    others = [Image.new("RGB", PICTURE.size, (number, 0, 0)) for number in range(30)]
    for form in ("GIF", "WEBP", "PNG"):
        yield Hostile(f"{form} of 31 frames", encode(form, save_all=True, append_images=others), TAKEN, True)
    many = [Image.new("P", (8, 8), number % 256) for number in range(2000)]
    yield Hostile("GIF of 2,000 frames", encode("GIF", many[0], save_all=True, append_images=many[1:]), TAKEN)
    yield Hostile("MPO of two pictures", encode("MPO", save_all=True, append_images=[others[0]], quality=95), TAKEN, True)


def shapes() -> Iterator[Hostile]:
    for form in ("JPEG", "PNG", "GIF", "WEBP"):
        yield Hostile(f"{form} 1x1", encode(form, Image.new("RGB", (1, 1))), TAKEN)
        yield Hostile(f"{form} 10000x1", encode(form, Image.new("RGB", (10_000, 1))), TAKEN)
    yield Hostile("png 1x60000", encode("PNG", Image.new("L", (1, 60_000))), TAKEN)
    yield Hostile("png 2000000x1", encode("PNG", Image.new("1", (2_000_000, 1))), TAKEN)
    for mode in ("RGBA", "I;16", "P"):
        options = {"transparency": 0} if mode == "P" else {}
        yield Hostile(f"png {mode} of 25 megapixels", encode("PNG", Image.new(mode, (5000, 5000)), compress_level=1, **options), TAKEN)
    yield Hostile("webp rgba of 25 megapixels", encode("WEBP", Image.new("RGBA", (5000, 5000)), lossless=True, method=0), TAKEN)
    yield Hostile("jpeg cmyk of 25 megapixels", encode("JPEG", Image.new("CMYK", (5000, 5000))), TAKEN)
    yield Hostile("jpeg turned of 25 megapixels", encode("JPEG", Image.new("RGB", (5000, 5000)), exif=exif(6)), TAKEN)


# --- bombs ---------------------------------------------------------------------------------------------------------------


def bombs() -> Iterator[Hostile]:
    for width, height in ((5001, 5000), (12_000, 12_000), (65_535, 65_535), (2**31 - 1, 1), (1, 2**31 - 1), (2**31 - 1, 2**31 - 1)):
        yield Hostile(f"png of {width}x{height}", png(width, height), TOO_LARGE)
    yield Hostile("png of 100 megapixels, all there", png(10_000, 10_000, body=bytes(10_000 * 1251), bits=1, colour=0), TOO_LARGE)
    for width, height in ((5001, 5000), (65_535, 65_535)):
        yield Hostile(f"gif of {width}x{height}", gif_of(width, height), TOO_LARGE)
        yield Hostile(f"jpeg of {width}x{height}", jpeg_of(width, height), TOO_LARGE)
        yield Hostile(f"bmp of {width}x{height}", bmp_of(width, height), NO_PICTURE)
        yield Hostile(f"tiff of {width}x{height}", tiff_of(width, height), NO_PICTURE)
    yield Hostile("gif of 1x1 with a frame of 65535x65535", gif_of(1, 1, (65_535, 65_535)), TOO_LARGE)
    yield Hostile("webp canvas of 16383x16383", encode("WEBP", Image.new("L", (16_383, 1600)), method=0, quality=0), TOO_LARGE)
    yield Hostile("webp canvas of 16777216x16777216", webp_canvas(2**24, 2**24), TOO_LARGE)
    yield Hostile("webp canvas of 1x1 with a larger picture", webp_canvas(1, 1), NO_PICTURE)
    yield Hostile("png of 2x2 with 100 MB of pixels", png(2, 2, body=bytes(10**8)), TAKEN)
    yield Hostile(
        "png with a profile of 100 MB", png(1, 1, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8))), body=bytes(4)), NO_PICTURE
    )
    yield Hostile("png with a text of 100 MB", png(1, 1, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))), body=bytes(4)), NO_PICTURE)
    many = b"".join(chunk(b"zTXt", b"a%d\0\0" % number + zlib.compress(bytes(2**20 - 9))) for number in range(100))
    yield Hostile("png with a hundred texts of 1 MB", png(1, 1, many, body=bytes(4)), NO_PICTURE)
    yield Hostile("jpeg of 5,000 scans", of_many_scans(5000), TOO_LARGE)
    yield Hostile("jpeg of 30 scans", of_many_scans(20), TAKEN)
    yield Hostile("a byte too many", encode("PNG") + bytes(10 * 2**20), TOO_LARGE)


# --- damaged -------------------------------------------------------------------------------------------------------------

FRACTIONS = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85)


def truncated() -> Iterator[Hostile]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
    for form in ("JPEG", "PNG", "GIF", "WEBP"):
        data = encode(form, noise)
        for fraction in FRACTIONS:
            yield Hostile(f"{form} cut at {fraction:.0%}", data[: int(fraction * len(data))], NO_PICTURE)
    yield Hostile("JPEG without its end", encode("JPEG", noise)[:-40], NO_PICTURE)


def broken() -> Iterator[Hostile]:
    good = encode("PNG")
    yield Hostile("png with a wrong checksum of its header", good[:29] + b"\0\0\0\0" + good[33:], NO_PICTURE)
    place = good.index(b"IDAT") + 10
    yield Hostile("png with a byte of its pixels changed", good[:place] + bytes([good[place] ^ 255]) + good[place + 1 :], NO_PICTURE)
    yield Hostile("png without pixels", png(4, 4), NO_PICTURE)
    yield Hostile("png with too few pixels", png(40, 40, body=bytes(500)), NO_PICTURE)
    yield Hostile("png of 0x0", png(0, 0), NO_PICTURE)
    yield Hostile("png of 0 bits", png(1, 1, body=bytes(4), bits=0), NO_PICTURE)
    yield Hostile("png whose pixels are not deflated", png(1, 1).replace(zlib.compress(b""), b"notdefla"), NO_PICTURE)
    yield Hostile("png palette without a palette", png(1, 1, body=bytes(2), colour=3), TAKEN)
    yield Hostile("jpeg of 0x0", jpeg_of(0, 0), NO_PICTURE)
    # Its end is there, so a decoder fills what is missing with grey.
    yield Hostile("jpeg that claims 4000x4000", jpeg_of(4000, 4000), TAKEN)
    yield Hostile("gif of 0x0", gif_of(0, 0), NO_PICTURE)
    yield Hostile("webp without a chunk", riff(), NO_PICTURE)
    yield Hostile("webp with a false length", encode("WEBP")[:4] + b"\xff\xff\xff\x7f" + encode("WEBP")[8:], NO_PICTURE)
    for number in range(6):
        data = bytearray(encode("JPEG", quality=95))
        for place in random.Random(number).sample(range(2, 180), 12):
            data[place] ^= 0x5A
        # In one of them only numbers of a quantisation table are hit: other colours, but a picture.
        yield Hostile(f"jpeg with its header stirred, {number}", bytes(data), TAKEN if number == 4 else NO_PICTURE)


def metadata() -> Iterator[Hostile]:
    noise = random.Random(1).randbytes(60_000)
    yield Hostile("jpeg with a profile of noise", encode("JPEG", icc_profile=noise, quality=95), TAKEN, True)
    yield Hostile("jpeg with EXIF of noise", with_segment(0xE1, b"Exif\0\0" + noise), TAKEN, True)
    yield Hostile("jpeg with EXIF cut short", with_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01"), TAKEN, True)
    yield Hostile("jpeg with EXIF that points to itself", with_segment(0xE1, exif_loop()), TAKEN, True)
    yield Hostile("jpeg with a script as its comment", with_segment(0xFE, b"<script>alert(1)</script>"), TAKEN, True)
    yield Hostile("jpeg with MPO of noise", with_segment(0xE2, b"MPF\0" + noise[:400]), TAKEN, True)
    yield Hostile("png with a profile of noise", encode("PNG", icc_profile=noise), TAKEN, True)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "'; DROP TABLE runs; --" * 100)
    yield Hostile("png with a query as its comment", encode("PNG", pnginfo=info), TAKEN, True)
    yield Hostile("webp with EXIF of noise", encode("WEBP", exif=b"Exif\0\0" + noise[:999], quality=95), TAKEN, True)


def exif_loop() -> bytes:
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)


# --- something else ------------------------------------------------------------------------------------------------------


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", "a")
    return target.getvalue()


def strangers() -> Iterator[Hostile]:
    texts = {
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "svg with a declaration": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>",
        "html": b"<!doctype html><script>alert(1)</script>",
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "zip": zipped(),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(60),
        "exe": b"MZ" + bytes(200),
        "gzip": b"\x1f\x8b\x08" + bytes(30),
        "mp4": b"\0\0\0\x18ftypmp42" + bytes(60),
        "json": b'{"image": true}',
        "pickle": pickle.dumps(["os.system"]),
        "numpy": b"\x93NUMPY\x01\0" + bytes(60),
        "psd": b"8BPS\0\x01" + bytes(60),
        "icns": b"icns" + bytes(60),
        "xpm": b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c #fff", "a"};',
        "empty": b"",
        "one NUL": b"\0",
        "a thousand NUL": bytes(1000),
        "noise": random.Random(2).randbytes(5000),
        "only the magic of png": b"\x89PNG\r\n\x1a\n",
        "only the magic of jpeg": b"\xff\xd8\xff\xe0",
        "only the magic of gif": b"GIF89a",
        "only the magic of webp": b"RIFF\0\0\0\0WEBP",
        "png magic before jpeg": b"\x89PNG\r\n\x1a\n" + encode("JPEG"),
        "jpeg magic before png": b"\xff\xd8\xff" + encode("PNG"),
        "a line break before png": b"\n" + encode("PNG"),
        "a byte order mark before gif": b"\xef\xbb\xbf" + encode("GIF"),
        "png in base64": b"data:image/png;base64,iVBORw0KGgo=",
    }
    yield from (Hostile(name, data, NO_PICTURE) for name, data in texts.items())
    for form in ("BMP", "TIFF", "PPM", "ICO", "TGA", "PCX", "DDS"):
        yield Hostile(f"{form}, which is not offered", encode(form), NO_PICTURE)


def polyglots() -> Iterator[Hostile]:
    yield Hostile("jpeg and zip", encode("JPEG", quality=95) + zipped(), TAKEN, True)
    yield Hostile("png and html", encode("PNG") + b"<script>alert(1)</script>", TAKEN, True)
    yield Hostile("gif and javascript", b"GIF89a/*" + encode("GIF")[8:] + b"*/=1;alert(1)", TAKEN)
    yield Hostile("png and png", encode("PNG") + encode("PNG", Image.new("RGB", (9, 9))), TAKEN, True)
    yield Hostile("webp and pdf", encode("WEBP", quality=95) + b"%PDF-1.7", TAKEN, True)
    yield Hostile("jpeg and jpeg of 65535x65535", encode("JPEG", quality=95) + jpeg_of(65_535, 65_535), TAKEN, True)


def everything() -> list[Hostile]:
    """Returns the table; names are unique."""
    makers = (kinds, animated, shapes, bombs, truncated, broken, metadata, strangers, polyglots)
    found = [entry for make in makers for entry in make()]
    assert len({entry.name for entry in found}) == len(found)
    return found
