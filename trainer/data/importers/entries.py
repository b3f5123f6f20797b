"""A row to be imported, before its picture has been opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """`name` is what a report calls it; a column that the source lacks is None, and so is the split unless the source fixes it.

    `fields` are the columns of language models beside `text`, or with it.
    """

    name: str
    picture: Path | bytes | None = None
    text: str | None = None
    label: str | None = None
    split: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The rows of a source and the columns they have; `classes` where the format fixes them and their order."""

    entries: list[Entry]
    columns: tuple[str, ...]
    description: str
    classes: tuple[str, ...] = ()
