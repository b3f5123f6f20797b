"""From the bytes of a picture to the array the network sees; training, prediction and INT8 calibration share it."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
from PIL import Image, ImageOps

from trainer.data.uploads import MALFORMED

# ImageNet statistics, per channel (red, green, blue): what ResNets of the hub were trained with.
MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
STRIP_PIXELS = 2**20


def decode(data: bytes, side: int) -> np.ndarray:
    """Returns uint8 (3, side, side): upright, first frame, on white where transparent, scaled to fill and cut to the centre.

    Raises OSError for bytes that are not a whole picture.
    """
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        turn_upright(opened)
        square = ImageOps.fit(flatten(opened), (side, side), Image.Resampling.BILINEAR)
    return np.asarray(square, np.uint8).transpose(2, 0, 1)


def turn_upright(picture: Image.Image) -> None:
    """A camera's notes that cannot be read say nothing of which side is up: the picture then stays as it lies."""
    with suppress(*MALFORMED):
        ImageOps.exif_transpose(picture, in_place=True)


def flatten(picture: Image.Image) -> Image.Image:
    """Returns RGB, made strip by strip: whole, a picture of 25 megapixels would lie in memory five times over."""
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture
    flat, num_rows = Image.new("RGB", picture.size), max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, num_rows):
        strip = picture.crop((0, top, picture.width, min(top + num_rows, picture.height)))
        flat.paste(flattened(strip), (0, top))
    return flat


def flattened(picture: Image.Image) -> Image.Image:
    """Returns RGB; what is transparent becomes white, 16-bit grey is scaled instead of clipped."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        grey = np.asarray(picture, np.float64) / 257
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def normalise(pictures: np.ndarray) -> np.ndarray:
    """uint8 (..., 3, side, side) to float32 with mean 0 and deviation 1 over ImageNet."""
    return (pictures.astype(np.float32) / 255 - MEAN) / DEVIATION


def augment(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirrors half of the pictures (B, 3, side, side) and shifts each by up to an eighth of its side, edges repeated."""
    count, _, side, _ = pictures.shape
    margin = side // 8
    padded = np.pad(pictures, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="edge")
    tops, lefts = rng.integers(0, 2 * margin + 1, (2, count))
    shifted = np.stack([padded[i, :, t : t + side, x : x + side] for i, (t, x) in enumerate(zip(tops, lefts, strict=True))])
    mirrored = rng.random(count) < 0.5
    shifted[mirrored] = shifted[mirrored, :, :, ::-1]
    return shifted
