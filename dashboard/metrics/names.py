"""Which name a metric is kept under: any name that a trainer may think of is taken."""

from __future__ import annotations

import hashlib
import re

LONGEST = 500
DIGEST = 16
AXES = "progress/"
WALL = "progress/wall"
NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def stored_name(metric: str) -> str:
    """NUL and lone surrogates, which no database takes, become U+FFFD; a long name ends in a digest of the whole."""
    if len(metric) > LONGEST:
        digest = hashlib.sha256(metric.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
        metric = f"{metric[: LONGEST - DIGEST - 1]}…{digest}"
    return NOT_STORABLE.sub("\ufffd", metric)


def is_chart(metric: str) -> bool:
    """Metrics of progress are axes to draw others over."""
    return not metric.startswith(AXES)
