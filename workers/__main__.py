"""`python -m workers`: one worker process, until it is told to stop."""

from __future__ import annotations

import argparse
import os
import sys

import django


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m workers", description="Runs queued jobs and answers predictions.")
    options.add_argument("--name", default="", help="name of this worker (default: the host's, with a number)")
    options.add_argument("--slots", type=int, default=1, help="jobs that run side by side (default: 1)")
    given = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()
    from workers.service import serve
    from workers.station import NameTaken

    try:
        return serve(given.name, given.slots)
    except NameTaken as taken:
        sys.exit(f"{taken}: give another --name")


if __name__ == "__main__":
    sys.exit(main())
