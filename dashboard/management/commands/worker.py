"""`manage.py worker`: one more worker, on this machine or on another one that shares the data folder, database and message server."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Starts one more worker, in the foreground. Ctrl-C stops it: what it trains is saved and goes back to the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="name of the worker (default: the host's, with a number)")
        parser.add_argument("--slots", type=int, default=1, help="jobs that run side by side (default: 1)")

    def handle(self, *args: Any, name: str, slots: int, **options: Any) -> None:
        """Becomes the worker: the dashboard knows its command, never its code."""
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "workers", "--name", name, "--slots", str(slots)])  # noqa: S606
