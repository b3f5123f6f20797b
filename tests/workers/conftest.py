"""What the tests of the workers share: a server, a worker, a job in hand, a trainer that only ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.servers import server, valkey
from workers import pipeline, process

__all__ = ["server", "valkey"]

RECORDING = Path(__file__).parent.parent / "recordings" / "enhancement.jsonl"


@pytest.fixture
def worker(db) -> Worker:
    return Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now())


@pytest.fixture
def run(cast: Cast) -> Run:
    return cast.submit()


@pytest.fixture
def lease(run: Run, worker: Worker) -> Lease:
    found = lifecycle.claim(worker)
    assert found is not None
    return found


@pytest.fixture
def run_job(worker: Worker) -> Callable[[], bool]:
    """Claims and runs the next job to its end."""
    return lambda: pipeline.run_next(worker, threading.Event())


@pytest.fixture
def fake_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in the trainer's place, for ends that a real trainer cannot be asked for. `folder` is the attempt's folder."""

    def replace(body: str) -> None:
        script = tmp_path / "trainer.py"
        script.write_text(f"import json, os, signal, sys, time\nfrom pathlib import Path\nfolder = Path(sys.argv[2])\n{body}\n")
        monkeypatch.setattr(process, "TRAINER", (sys.executable, str(script)))

    return replace
