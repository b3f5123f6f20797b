"""The samples whose answer a precision flipped: as the page lists them, and as a CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.quantizations.ledger import NAMES, name_of
from dashboard.runs.models import Quantization
from trainer.quantization import flips

LISTED = 50
FIRST_OF_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Flips:
    """Those of one precision: `rows` are the most certain, `became` says how many became right, wrong, or stayed wrong."""

    precision: str
    name: str
    rows: list[dict[str, Any]]
    num: int
    num_now_wrong: int
    num_now_right: int

    @property
    def num_wrong_either_way(self) -> int:
        return self.num - self.num_now_wrong - self.num_now_right


def flips_of(job: Quantization, precision: str) -> Flips | None:
    """None where the file is not on this machine's disk. Raises ValueError for a file that holds something else."""
    rows = rows_of(job, precision)
    if rows is None:
        return None
    became = [row["became"] for row in rows]
    return Flips(precision, name_of(precision), rows[:LISTED], len(rows), became.count("wrong"), became.count("right"))


def rows_of(job: Quantization, precision: str) -> list[dict[str, Any]] | None:
    path = settings.RUNS_DIR / job.flipped
    if not job.flipped or not path.is_file():
        return None
    return [{**row, "became": became(row)} for row in flips.read(path, precision)]


def became(row: dict[str, Any]) -> str:
    if row["after"] == row["truth"]:
        return "right"
    return "wrong" if row["before"] == row["truth"] else ""


@require_GET
def flipped_csv(request: HttpRequest, run_id: int, job_id: int, precision: str) -> StreamingHttpResponse:
    """Every flipped sample of a precision as CSV."""
    run = access.get_run(request.user, run_id)
    job = Quantization.objects.filter(run=run, pk=job_id).first()
    rows = rows_of(job, precision) if job and precision in NAMES else None
    if rows is None:
        raise Http404("No flipped samples are kept here.")
    name = f"run-{run.number}-{precision}-flipped.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines(rows), content_type="text/csv; charset=utf-8", headers=headers)


class Echo:
    """What a CSV writer writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    writer, columns = csv.writer(Echo()), [name for name in flips.COLUMNS if name != "precision"]
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([harmless(row[name]) for name in columns])


def harmless(value: Any) -> Any:
    """A spreadsheet takes a text that begins like this for a formula; an apostrophe in front keeps it a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FIRST_OF_A_FORMULA) else value
