"""`manage.py prune --days N`: deletes the runs that ended longer ago, with all they left."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.runs.deletion import hide, outlived, remove, unfinished
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Run

OLDEST_DAYS = 36_500


class Command(BaseCommand):
    help = "Deletes runs that ended more than so many days ago. Runs whose stages others show are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=age, required=True, metavar="N")
        parser.add_argument("--dry-run", action="store_true", help="only say which")

    def handle(self, *args: Any, days: int, dry_run: bool, **options: Any) -> None:
        for run in [*unfinished(), *outlived(days)]:
            if dry_run:
                self.stdout.write(f"{self.title(run)} would be deleted")
            else:
                self.delete(run)

    def delete(self, run: Run) -> None:
        title = self.title(run)
        try:
            if run.deleted_at is None and not hide(run):
                self.stdout.write(f"{title} was deleted meanwhile")
                return
        except WrongState as reason:
            self.stdout.write(f"{title} is kept: {reason}")
            return
        total = 0
        for number in remove(run):
            total += number
            self.stdout.write(f"{title}: {total:,} rows deleted", ending="\r")
        self.stdout.write(f"{title} is deleted, {total:,} rows")

    def title(self, run: Run) -> str:
        return f"{run.project.slug} #{run.number} {run.name}"


def age(text: str) -> int:
    """Raises ArgumentTypeError: a negative one would be that of every run which has ended."""
    if not text.isdecimal() or int(text) > OLDEST_DAYS:
        raise ArgumentTypeError(f"a number of days from 0 to {OLDEST_DAYS}")
    return int(text)
