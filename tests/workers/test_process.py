"""The trainer dies with its worker, knows no secret, and takes what it started with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workers import process
from workers.process import LOG, Trainer, environment

PARENT = """
import os, sys, time
import django
django.setup()
from pathlib import Path
from workers.process import Trainer
trainer = Trainer("train", Path(sys.argv[1]))
print(trainer.child.pid, flush=True)
time.sleep(60)
"""
PATIENCE_S = 30


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Ended, or ended and not yet fetched by its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def long_stage(tmp_path: Path) -> Path:
    """A folder that a real trainer works on for longer than any test takes."""
    from trainer import config, recipes

    tiny = recipes.load()["sentiment-tiny"].config
    stage = config.Stage.model_validate({**tiny.stages[1].model_dump(), "steps": 1_000_000, "checkpoint_interval": 1_000_000})
    job = config.StageJob(model=tiny.model, stage=stage, index=2, is_last=False, num_threads=1)
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / "config.json").write_text(job.model_dump_json())
    return tmp_path / "attempt"


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("when", ["while it starts", "while it trains"])
def test_the_trainer_dies_with_a_worker_that_is_killed(long_stage: Path, when: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(long_stage)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    trainer = int(parent.stdout.readline())
    if when == "while it trains":
        wait_for(lambda: (long_stage / "events.jsonl").exists() and "stepped" in (long_stage / "events.jsonl").read_text())
    assert not is_gone(trainer)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: is_gone(trainer))


def test_the_trainer_learns_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "canary")
    assert "canary" not in environment().values()


def test_a_kill_takes_along_what_the_trainer_started(tmp_path: Path, fake_trainer: Callable[[str], None]) -> None:
    fake_trainer("import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)")
    trainer = Trainer("train", tmp_path)
    wait_for(lambda: (tmp_path / LOG).read_text().endswith("\n"))
    started = int((tmp_path / LOG).read_text())
    trainer.close()
    wait_for(lambda: is_gone(started))
    assert trainer.status() == -signal.SIGKILL


def test_a_trainer_that_has_ended_is_closed_without_harm(tmp_path: Path, fake_trainer: Callable[[str], None]) -> None:
    fake_trainer("sys.exit(3)")
    trainer = Trainer("train", tmp_path)
    wait_for(lambda: trainer.status() is not None)
    trainer.ask_to_stop()
    trainer.close()
    assert trainer.status() == 3
    assert os.getpgid(0) != trainer.child.pid


def test_the_doorbell_wakes_who_listens_and_the_end_of_the_trainer_does_too(tmp_path: Path, fake_trainer: Callable[[str], None]) -> None:
    fake_trainer("bell = int(sys.argv[sys.argv.index('--doorbell') + 1])\nos.write(bell, b'x' * 3)\nsys.stdin.read(1)")
    trainer = Trainer("train", tmp_path)
    began = time.monotonic()
    trainer.listen(PATIENCE_S)
    trainer.listen(0.01)
    assert trainer.status() is None
    assert trainer.child.stdin
    trainer.child.stdin.write(b"x")
    trainer.child.stdin.flush()
    trainer.listen(PATIENCE_S)
    assert trainer.is_silent
    wait_for(lambda: trainer.status() == 0)
    trainer.listen(PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    trainer.close()


def test_a_trainer_that_cannot_be_started_leaves_no_open_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TRAINER", (str(tmp_path / "missing"),))
    before = num_open()
    with pytest.raises(OSError, match="missing"):
        Trainer("train", tmp_path)
    assert num_open() == before


def test_a_folder_that_is_gone_leaves_no_open_pipe(tmp_path: Path) -> None:
    before = num_open()
    with pytest.raises(FileNotFoundError):
        Trainer("train", tmp_path / "gone")
    assert num_open() == before


def num_open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir()) if Path("/proc").exists() else 0
