"""Which parameters train: the named groups base, middle and top, or patterns of names. Torch-free: the plan counts by it too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from trainer.config import GROUPS

# How the blocks of a stack are named: the image + text network's two encoders, the decoders, BERT with its head.
BLOCKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^text\.encoder\.layer\.(\d+)\.",
        r"^image\.encoder\.stages\.(\d+)\.",
        r"^model\.layers\.(\d+)\.",
        r"^bert\.encoder\.layer\.(\d+)\.",
    )
)
# What is no block and lies below the blocks: embeddings, stems, and encoders' own norms. Everything else is above them.
BELOW = ("text.", "image.", "model.embed_tokens.", "bert.")


def groups_of(names: Iterable[str]) -> dict[str, str]:
    """Returns the group of each parameter of a network, of which all names are given.

    The upper half of each stack's blocks is the middle; final norm, projections, fusion and heads are the top; the rest is the base.
    """
    names = list(names)
    counts = num_blocks(names)
    return {name: group_of(name, counts) for name in names}


def num_blocks(names: Iterable[str]) -> dict[re.Pattern[str], int]:
    found = dict.fromkeys(BLOCKS, 0)
    for name in names:
        for pattern in BLOCKS:
            if match := pattern.match(name):
                found[pattern] = max(found[pattern], int(match[1]) + 1)
    return found


def group_of(name: str, counts: dict[re.Pattern[str], int]) -> str:
    for pattern, count in counts.items():
        if match := pattern.match(name):
            return "middle" if int(match[1]) >= count // 2 else "base"
    return "base" if name.startswith(BELOW) else "top"


def trainable_names(names: Iterable[str], chosen: Sequence[str]) -> set[str]:
    """Returns the names that the groups and patterns select. Raises ValueError for a pattern that selects nothing."""
    groups = groups_of(names)
    selected: set[str] = set()
    for choice in chosen:
        matched = {name for name, group in groups.items() if (group == choice if choice in GROUPS else fnmatchcase(name, choice))}
        if not matched:
            raise ValueError(f"trainable: {choice!r} matches no parameter of the model")
        selected |= matched
    return selected
