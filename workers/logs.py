"""Reads what a trainer printed, fit for a page: whole lines, no escape sequences, nothing endless."""

from __future__ import annotations

import re
from pathlib import Path

MAX_BYTES = 2**18
MAX_LINE = 2_000
MAX_LOG = 4 * 2**20
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]")
THE_REST = "... the log grows too long to be shown here; all of it is in the attempt's log.txt\n"


def read_log(path: Path, offset: int, *, ended: bool = False) -> tuple[str, int]:
    """Returns the whole lines after a byte offset and the offset behind them; of an ended process the unfinished last line too."""
    if offset >= MAX_LOG or not path.exists():
        return "", offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(MAX_BYTES)
    whole = data.rfind(b"\n") + 1
    if ended or (len(data) == MAX_BYTES and not whole):
        whole = len(data)
    text = readable(data[:whole].decode(errors="replace"))
    return text + (THE_REST if offset + whole >= MAX_LOG else ""), offset + whole


def readable(text: str) -> str:
    return "\n".join(map(readable_line, text.split("\n")))


def readable_line(line: str) -> str:
    """A carriage return starts the line again, as a progress bar does; only its last state is kept."""
    shown = ESCAPES.sub("", line.rstrip("\r").rpartition("\r")[2])
    return shown if len(shown) <= MAX_LINE else f"{shown[:MAX_LINE]}... ({len(shown)} characters)"


def last_words(path: Path, num_lines: int = 5) -> str:
    """Returns the last lines that say something, "" for none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - MAX_BYTES, 0))
        lines = [line for line in readable(file.read().decode(errors="replace")).split("\n") if line.strip()]
    return "\n".join(lines[-num_lines:])
