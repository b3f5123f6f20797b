"""Why a job failed: the sentence and the reason that its `failed` event carries. Torch-free."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from trainer.config import FAMILIES, TASKS


class NotANumberError(Exception):
    """The loss or the gradient is no number any more."""


class ServerFailedError(Exception):
    """A server that is asked ended, does not answer, or refuses everything."""


@contextmanager
def in_stage(index: int, field: str = "") -> Iterator[None]:
    """Puts the place of a stage (from 1) in its run in front of a ValueError from inside, which names the field unless it is given."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"stages.{index - 1}.{field}{': ' if field else ''}{error}") from error


def explain(error: Exception) -> tuple[str, str]:
    """Returns a sentence and the reason by which the page sorts it.

    The disk and the memory are told by their words too: safetensors and torch raise errors of their own for them.
    """
    text = str(error)
    if isinstance(error, NotANumberError):
        return text, "not_a_number"
    if isinstance(error, ServerFailedError):
        return text, "server_failed"
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left on device" in text:
        return f"No space left on the disk: {getattr(error, 'filename', None) or 'the data folder is full'}", "no_space"
    if isinstance(error, MemoryError) or "allocate memory" in text or "out of memory" in text:
        return f"Out of memory: {text.splitlines()[0] if text else 'the host has none left'}", "out_of_memory"
    if isinstance(error, ValueError):
        return "; ".join(complaints(error)), "bad_input"
    return f"{type(error).__name__}: {text}", "error"


def complaints(error: Exception) -> list[str]:
    """Returns one line for each thing that is wrong; a bad field of a config is named by its path in the document."""
    if not isinstance(error, ValidationError):
        return [str(error)]
    # A list with a bad entry is too short as well to pydantic: only a list that is given empty is.
    told = [each for each in error.errors(include_url=False) if not (each["type"] == "too_short" and each["input"])]
    return [f"{path_of(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in told]


def path_of(place: tuple[int | str, ...]) -> str:
    """The kind of a task and the family of a model tell pydantic how to read them; they are no part of the document's path."""
    return ".".join(str(part) for part in place if part not in TASKS and part not in FAMILIES)
