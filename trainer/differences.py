"""Where two JSON documents differ. Torch-free: the form and the trainer read this one walk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.problems import FieldPath


def differences(before: Any, after: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any, Any]]:
    """Yields the path of each field that is not the same in both, and its two values; None stands for one that is not there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before | after:
            yield from differences(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, (*path, place))
    elif before != after:
        yield path, before, after
