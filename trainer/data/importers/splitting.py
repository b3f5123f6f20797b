"""Puts the rows of an import into train, validation and test."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainer.data.importers.entries import Entry

SPLITS = ("train", "validation", "test")
SHARE = 0.1


def split(entries: Sequence[Entry], seed: int) -> list[Entry]:
    """Keeps the splits that the source fixes; what lacks one is train. A missing validation or test split is taken out of train.

    Each takes a tenth of all rows (8:1:1), label by label, by seed.
    """
    given = [replace(entry, split=entry.split or "train") for entry in entries]
    missing = [name for name in SPLITS[1:] if not any(entry.split == name for entry in given)]
    if not missing:
        return given
    moved = held_out(given, missing, seed)
    return [replace(entry, split=moved.get(number, entry.split)) for number, entry in enumerate(given)]


def held_out(entries: Sequence[Entry], missing: Sequence[str], seed: int) -> dict[int, str]:
    """Returns the new split of the rows that leave train; a label with 3 rows or more is in every split."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        if entry.split == "train":
            by_label[entry.label or ""].append(number)
    moved: dict[int, str] = {}
    for label, numbers in sorted(by_label.items()):
        order = np.random.default_rng([seed, zlib.crc32(label.encode())]).permutation(numbers).tolist()
        count = max(round(len(order) * SHARE), 1 if len(order) > len(missing) else 0)
        for position, name in enumerate(missing):
            moved |= dict.fromkeys(order[position * count : (position + 1) * count], name)
    return moved
