"""Which parameters train: the named groups base, middle and top, or patterns of names. Torch-free: the plan counts by it too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from trainer.config import GROUPS

TEXT_BLOCK = re.compile(r"^text\.encoder\.layer\.(\d+)\.")
IMAGE_BLOCK = re.compile(r"^image\.encoder\.stages\.(\d+)\.")


def group_of(name: str, num_text_blocks: int, num_image_blocks: int) -> str:
    """Projections, fusion and heads are the top; the upper half of either encoder the middle; the rest the base."""
    for pattern, count in ((TEXT_BLOCK, num_text_blocks), (IMAGE_BLOCK, num_image_blocks)):
        if found := pattern.match(name):
            return "middle" if int(found[1]) >= count // 2 else "base"
    return "base" if name.startswith(("text.", "image.")) else "top"


def trainable_names(names: Iterable[str], chosen: Sequence[str], num_text_blocks: int, num_image_blocks: int) -> set[str]:
    """Returns the names that the groups and patterns select. Raises ValueError for a pattern that selects nothing."""
    groups = {name: group_of(name, num_text_blocks, num_image_blocks) for name in names}
    selected: set[str] = set()
    for choice in chosen:
        matched = {name for name, group in groups.items() if (group == choice if choice in GROUPS else fnmatchcase(name, choice))}
        if not matched:
            raise ValueError(f"trainable: {choice!r} matches no parameter of the model")
        selected |= matched
    return selected
