"""Which data sets there are: the shipped ones and those in the given folders, by their cards. Reads no data, imports no torch."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from trainer.config import DatasetName

SHIPPED = Path(__file__).with_name("shipped")
CARD = "dataset.json"
# What a data set for language models holds is told by its columns; `input` may be left out of the instructions.
KINDS = {
    "text": ("text",),
    "triples": ("head", "relation", "tail"),
    "instructions": ("instruction", "input", "output"),
    "equations": ("problem", "solution"),
}
OPTIONAL = ("input",)
STRINGS = tuple(column for columns in KINDS.values() for column in columns)
log = logging.getLogger(__name__)


class Card(BaseModel):
    """What a data set says of itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: DatasetName
    title: str
    description: str = ""
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
    num_samples: dict[str, int]
    mean_words: float | None = None
    size_bytes: int = 0
    fingerprint: str = ""
    origin: Literal["", "human", "synthetic"] = ""  # who wrote instruction pairs
    licence: str = ""
    credits: tuple[str, ...] = ()
    skipped: dict[str, int] = Field(default_factory=dict)
    folder: Path = Path()

    @property
    def kind(self) -> str | None:
        """What a language model can read here: a key of KINDS, or None."""
        return kind_of(self.columns)


def kind_of(columns: Collection[str]) -> str | None:
    return next((kind for kind in KINDS if holds(kind, columns)), None)


def holds(kind: str, columns: Collection[str]) -> bool:
    return all(column in columns or column in OPTIONAL for column in KINDS[kind])


def load(folders: Sequence[Path] = ()) -> dict[str, Card]:
    """Returns the cards by name; a shipped name cannot be taken by another. A card that cannot be read is logged and left out."""
    cards: dict[str, Card] = {}
    for root in (SHIPPED, *folders):
        for card in cards_in(root):
            cards.setdefault(card.name, card)
    return cards


def cards_in(root: Path) -> Iterator[Card]:
    for path in sorted(root.glob(f"*/{CARD}")):
        try:
            yield Card.model_validate({**json.loads(path.read_text(encoding="utf-8")), "folder": path.parent})
        except (OSError, ValueError, TypeError) as error:
            log.warning("data set %s is left out: %s", path.parent.name, error)


def find(name: str, folders: Sequence[Path] = ()) -> Card:
    """Raises ValueError, naming the data sets there are."""
    cards = load(folders)
    if name not in cards:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(cards)}")
    return cards[name]
