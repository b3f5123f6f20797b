"""Which name a metric is kept under, and other texts of a trainer: any that it may think of is taken."""

from __future__ import annotations

import hashlib
import re
from typing import Any

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


def without_odd_characters(document: Any) -> Any:
    """The same for every text of a JSON document."""
    if isinstance(document, str):
        return NOT_STORABLE.sub("\ufffd", document)
    if isinstance(document, list):
        return [without_odd_characters(each) for each in document]
    if isinstance(document, dict):
        return {without_odd_characters(name): without_odd_characters(value) for name, value in document.items()}
    return document


def is_chart(metric: str) -> bool:
    """Metrics of progress are axes to draw others over."""
    return not metric.startswith(AXES)
