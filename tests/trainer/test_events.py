"""`events.jsonl` can be read at any moment, and goes on after any end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import wait_for
from tests.trainer.attempts import ROOT
from trainer import event_file
from trainer.events import FILE_NAME, EventLog, events_in, metrics_of, read_from


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    made = EventLog(tmp_path)
    yield made
    made.close()


def test_numbers_go_on_after_a_torn_last_line(tmp_path: Path) -> None:
    first = EventLog(tmp_path)
    for step in (1, 2):
        first.emit("stepped", step=step, metrics={})
    first.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-9])
    second = EventLog(tmp_path)
    second.emit("stepped", step=2, metrics={})
    second.close()
    assert [(event["seq"], event["step"]) for event in read_from(path, 0)[0]] == [(1, 1), (2, 2)]


def test_a_line_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b'{"seq":1,"kind":"a"}\n{"seq":2,"kind"')
    events, offset = read_from(path, 0)
    assert [event["seq"] for event in events] == [1]
    with path.open("ab") as file:
        file.write(b':"b"}\n')
    assert [event["seq"] for event in read_from(path, offset)[0]] == [2]


def test_reading_in_pieces_gives_every_event_once(log: EventLog) -> None:
    for step in range(1, 51):
        log.emit("stepped", step=step, metrics={"train/loss": 1 / step})
    log.file.flush()
    offset, seen = 0, []
    while True:
        events, reached = read_from(log.path, offset, max_bytes=200)
        if reached == offset:
            break
        seen, offset = [*seen, *(event["seq"] for event in events)], reached
    assert seen == list(range(1, 51))


def test_what_is_no_number_travels_as_a_word(log: EventLog) -> None:
    log.emit("stepped", step=1, metrics={"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.1})
    log.file.flush()
    (line,) = log.path.read_bytes().splitlines()
    assert json.loads(line)["metrics"] == {"a": "nan", "b": "inf", "c": "-inf", "d": 0.1}
    metrics = dict(metrics_of(json.loads(line)))
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"], metrics["d"]) == (math.inf, -math.inf, 0.1)


def test_an_event_that_is_no_json_is_an_error_and_takes_no_number(log: EventLog) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        log.emit("stepped", step=math.nan)
    log.emit("stepped", step=1)
    log.file.flush()
    assert [event["seq"] for event in read_from(log.path, 0)[0]] == [1]


def test_half_a_line_on_a_full_disk_is_taken_back(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the system takes a part of the line in both cases."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from trainer.events import EventLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "log = EventLog(Path(sys.argv[1])); log.emit('preparing', what='a')\n"
        "try:\n    log.emit('preparing', what='b' * 400)\n"
        "except OSError as error:\n    log.emit('failed', message=error.strerror)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=ROOT)
    events, _ = read_from(tmp_path / FILE_NAME, 0)
    assert [(event["seq"], event["kind"]) for event in events] == [(1, "preparing"), (2, "failed")]
    assert events[1]["message"] == "No space left on device"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Read with the standard library, as other people's tools do."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_steps_are_in_the_file_soon_and_anything_else_at_once_and_behind_them(log: EventLog) -> None:
    for step in range(1, 1001):
        log.emit("stepped", stage=1, step=step, metrics={"train/loss": 1 / step})
    log.emit("saved", stage=1, step=1000)
    assert [(event["seq"], event["step"]) for event in lines_of(log.path)] == [*((n, n) for n in range(1, 1001)), (1001, 1000)]
    log.emit("stepped", stage=1, step=1001, metrics={})
    wait_for(lambda: lines_of(log.path)[-1]["step"] == 1001)


def test_a_burst_is_written_in_few_flushes(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes: list[int] = []
    write = log.file.write
    monkeypatch.setattr(log.file, "write", lambda lines: (flushes.append(len(lines)), write(lines)))
    began = time.monotonic()
    for step in range(20_000):
        log.emit("stepped", stage=1, step=step, metrics={"train/loss": 0.5})
    log.file.flush()
    assert sum(flushes) == 20_000
    assert len(flushes) <= 2 + (time.monotonic() - began) / event_file.FLUSH_S


@pytest.mark.parametrize("end", ["log.close()", "sys.exit()", "raise SystemExit(3)", "1 / 0", "pass"])
def test_no_line_is_lost_however_the_program_ends(tmp_path: Path, end: str) -> None:
    script = (
        "import sys; from pathlib import Path; from trainer.events import EventLog\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "for step in range(1, 101):\n    log.emit('stepped', stage=1, step=step, metrics={'a': step})\n" + end
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert [event["step"] for event in lines_of(tmp_path / FILE_NAME)] == list(range(1, 101))


def test_steps_that_a_full_disk_refuses_are_an_error_of_the_next_event_and_leave_no_gap(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys, time; from pathlib import Path; from trainer.events import EventLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "for step in range(1, 101):\n    log.emit('stepped', stage=1, step=step, metrics={'a' * 200: 0.5})\n"
        "time.sleep(0.3)\n"
        "try:\n    log.emit('stepped', stage=1, step=101, metrics={'a' * 200: 0.5})\n"
        "except OSError as error:\n    log.emit('failed', message=error.strerror)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=ROOT)
    events = lines_of(tmp_path / FILE_NAME)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["message"] == "No space left on device"
    assert len(events) == 4


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("big", 10**25, 1e25),
        ("huge", 10**400, "inf"),
        ("minus huge", -(10**400), "-inf"),
        ("numpy", np.float64(0.5), 0.5),
        ("single", np.float32(0.5), 0.5),
        ("null", 0.5, 0.5),
        ("tiny", 1e-300, 1e-300),
        ("large", 1e300, 1e300),
        ("half \ud800 a character", 0.5, 0.5),
        ('quotes "\\ and\nnewlines\u2028\x00', math.nan, "nan"),
        ("中文/名字 🎉", -0.0, -0.0),
    ],
)
def test_odd_numbers_and_names_are_written_and_read(log: EventLog, name: str, value: float, written: float | str) -> None:
    log.emit("stepped", stage=1, step=1, metrics={name: value, "train/loss": 0.25})
    log.file.flush()
    (event,) = lines_of(log.path)
    assert event["metrics"] == {name.replace("\ud800", "\ufffd"): written, "train/loss": 0.25}
    assert read_from(log.path, 0)[0] == [event]


def test_a_line_longer_than_a_reading_does_not_stall_it(log: EventLog) -> None:
    log.emit("warned", message="x" * 5_000)
    log.emit("warned", message="y")
    events, offset = read_from(log.path, 0, max_bytes=100)
    assert len(events[0]["message"]) == 5_000
    rest, _ = read_from(log.path, offset, max_bytes=100)
    assert [*events, *rest] == list(events_in(log.path))


def test_the_doorbell_rings_for_every_flush_and_a_full_or_closed_one_does_no_harm(tmp_path: Path) -> None:
    ear, bell = os.pipe()
    with closing(EventLog(tmp_path, bell)) as log:
        log.emit("preparing", what="a")
        assert os.read(ear, 100) == b"\n"
        for _ in range(100_000):  # more than a pipe holds
            log.file.ring()
        os.close(ear)
        log.emit("preparing", what="b")
    os.close(bell)
    assert len(lines_of(tmp_path / FILE_NAME)) == 2


def test_a_fork_neither_writes_the_waiting_lines_again_nor_its_own(log: EventLog) -> None:
    """A data loader's worker inherits the log: what it holds belongs to the parent."""
    for step in range(1, 501):
        log.emit("stepped", stage=1, step=step, metrics={})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork: that is the point here
        child = os.fork()
    if not child:
        try:
            log.emit("stepped", stage=1, step=501, metrics={})
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    log.emit("saved", stage=1, step=500)
    assert [event["seq"] for event in lines_of(log.path)] == list(range(1, 502))


def test_events_of_many_threads_are_numbered_in_the_order_of_the_file(log: EventLog) -> None:
    def emit(kind: str) -> None:
        for step in range(500):
            log.emit(kind, stage=1, step=step, metrics={})

    threads = [threading.Thread(target=emit, args=(kind,)) for kind in ("stepped", "stepped", "evaluated")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.file.flush()
    assert [event["seq"] for event in lines_of(log.path)] == list(range(1, 1501))


def test_a_closed_log_takes_nothing_more(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.close()
    for kind in ("stepped", "saved", "stepped"):
        with pytest.raises(ValueError, match="closed"):
            log.emit(kind, metrics={})


def test_the_number_goes_on_behind_a_last_line_of_any_length(tmp_path: Path) -> None:
    with closing(EventLog(tmp_path)) as log:
        log.emit("warned", message="short")
        log.emit("warned", message="x" * 300_000)
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"seq":3,"torn' + b"z" * 200_000)
    with closing(EventLog(tmp_path)) as log:
        log.emit("warned", message="third")
    assert [event["seq"] for event in lines_of(tmp_path / FILE_NAME)] == [1, 2, 3]
