"""The formats of an export, each as pieces of bytes that are made while they are sent."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from dashboard.metrics.exporting import COLUMNS, Table

# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
QUOTED = ('"', ",", "\n", "\r")


def csv(tables: Iterable[Table]) -> Iterator[bytes]:
    yield (",".join(COLUMNS) + "\n").encode()
    for table in tables:
        prefix, name = f"{table.stage},{table.attempt},", cell(table.metric)
        columns = (table.superseded, table.step, table.run_step, table.at, table.value)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        lines = (
            f"{prefix}{'true' if old else 'false'},{name},{step},{run_step},{at!r},{value!r}\n" for old, step, run_step, at, value in rows
        )
        yield "".join(lines).encode(errors="replace")


def cell(text: str) -> str:
    text = f"'{text}" if text.startswith(FORMULA) else text
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in QUOTED) else text


def parquet(tables: Iterable[Table]) -> Iterator[bytes]:
    """A row group for each table."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    sink = Sink()
    schema = pyarrow.schema(
        {
            "stage": pyarrow.int16(),
            "attempt": pyarrow.int32(),
            "superseded": pyarrow.bool_(),
            "metric": pyarrow.string(),
            "step": pyarrow.int64(),
            "run_step": pyarrow.int64(),
            "at": pyarrow.float64(),
            "value": pyarrow.float64(),
        }
    )
    with ParquetWriter(sink, schema) as writer:
        for table in tables:
            columns = {name: getattr(table, name) for name in COLUMNS}
            size = len(table.step)
            repeated = {name: pyarrow.repeat(pyarrow.scalar(columns[name], schema.field(name).type), size) for name in COLUMNS[:2]}
            repeated["metric"] = pyarrow.repeat(pyarrow.scalar(table.metric), size)
            writer.write_table(pyarrow.table(columns | repeated, schema))
            yield sink.taken()
    yield sink.taken()


class Sink(io.RawIOBase):
    """A file that only grows; what was written is taken away bit by bit."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        self.size += len(self.pieces[-1])
        return len(self.pieces[-1])

    def tell(self) -> int:
        return self.size

    def taken(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


FORMATS = {"csv": (csv, "text/csv; charset=utf-8"), "parquet": (parquet, "application/vnd.apache.parquet")}
