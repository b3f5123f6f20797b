"""A place for a benchmark of the dashboard: a data folder and database of its own, a person who is signed in, and runs with points."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LOSS = "train/loss"


class Place:
    """`with Place() as place:` before anything of Django is imported. `DATABASE_URL` may name an empty Postgres database."""

    def __enter__(self) -> Place:
        self.folder = Path(tempfile.mkdtemp(prefix="anneal-bench-"))
        os.environ |= {"ANNEAL_DATA": str(self.folder), "DJANGO_SETTINGS_MODULE": "dashboard.settings", "REDIS_URL": "redis://127.0.0.1:1"}
        import logging

        import django

        django.setup()
        logging.disable(logging.WARNING)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.populate()
        return self

    def __exit__(self, *_: object) -> None:
        from django.db import connection

        connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def populate(self) -> None:
        from django.conf import settings
        from django.db.models.functions import Now
        from django.test import Client

        from dashboard.accounts.models import Membership, Project, Role, User
        from dashboard.fleet.models import Worker

        settings.ALLOWED_HOSTS = ["*"]
        self.project = Project.objects.create(name="Bench", slug="bench")
        self.user = User.objects.create_user("bench")
        Membership.objects.create(project=self.project, user=self.user, role=Role.OWNER)
        self.worker = Worker.objects.create(name="bench", host="bench", pid=1, started_at=Now(), last_seen=Now())
        self.client = Client()
        self.client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def attempt(self, name: str = "bench", num_steps: int = 1_000_000) -> Any:
        """An attempt of the first stage of a new run, and the lease on it."""
        from dashboard.runs import lifecycle
        from dashboard.runs.models import Attempt, Stage
        from trainer import recipes

        run = lifecycle.submit(self.project, self.user, name, recipes.load()["sentiment-tiny"].config, reuse=False)
        Stage.objects.filter(run=run, index=1).update(num_steps=num_steps)
        lease = lifecycle.claim(self.worker)
        assert lease is not None
        return Attempt.objects.select_related("job__run").get(pk=lease.attempt_id), lease

    def write(self, attempt: Any, lease: Any, num_points: int, flush: int = 100_000, seed: int = 0) -> None:
        """A noisy loss, in flushes of so many points."""
        from dashboard.metrics.writing import Writer
        from dashboard.runs import lifecycle

        writer, luck = Writer(attempt), np.random.default_rng(seed)
        for first in range(1, num_points + 1, flush):
            steps = np.arange(first, min(first + flush, num_points + 1))
            with lifecycle.recording(lease) as update:
                writer.write(update, {LOSS: (steps, 1 / np.sqrt(steps) + luck.normal(0, 0.02, len(steps)))})
                update.points.clear()
        writer.finish()

    def size_bytes(self) -> int:
        """Of the database on disk; of SQLite alone."""
        return sum(file.stat().st_size for file in self.folder.glob("anneal.sqlite3*"))


def timings(work: Callable[[], Any], rounds: int, warm_up: int = 3) -> dict[str, float]:
    """Milliseconds of so many rounds: the median by the clock and of the processor, and the slowest."""
    for _ in range(warm_up):
        work()
    walls, processors = [], []
    for _ in range(rounds):
        began, spent = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - began))
        processors.append(1000 * (time.process_time() - spent))
    return {"ms": statistics.median(walls), "slowest_ms": max(walls), "processor_ms": statistics.median(processors)}
