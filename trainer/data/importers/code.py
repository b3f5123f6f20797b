"""Reads the Python files of a folder, each of them a text as it stands."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from pathlib import Path

from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.pictures import Refused
from trainer.data.importers.report import Report


def read(root: Path, report: Report) -> Found:
    """Takes `*.py` at any depth; what is hidden, no text or no Python is left out. Raises ValueError when there is no such file."""
    paths = [path for path in sorted(root.rglob("*.py")) if not is_hidden(path.relative_to(root))]
    if not paths:
        raise ValueError(f"source: there is no Python file in {root}")
    entries, seen = [], set[str]()
    for path in paths:
        name = str(path.relative_to(root))
        try:
            entries.append(Entry(name, text=source_of(path, seen)))
        except Refused as refusal:
            report.skip(str(refusal), name)
    return Found(entries, ("text",), "Imported from Python files, each a text.")


def is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def source_of(path: Path, seen: set[str]) -> str:
    """Returns the text in the encoding that the file declares. Raises Refused; notes the text as seen."""
    if path.is_symlink():
        raise Refused("the file is a link")
    text = decoded(path.read_bytes())
    if not text.strip():
        raise Refused("the file is empty")
    check(text)
    if text in seen:
        raise Refused("the same file was there before")
    seen.add(text)
    return text


def decoded(data: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise Refused("the file cannot be decoded") from error


def check(text: str) -> None:
    """Parses; nothing is run. Raises Refused for what is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes in other people's strings
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Refused("the file is no Python") from error
