"""`events.jsonl` can be read at any moment, and goes on after any end."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainer.attempts import ROOT
from trainer.events import FILE_NAME, EventLog, metrics_of, read_from


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
    offset, seen = 0, []
    while True:
        events, reached = read_from(log.path, offset, max_bytes=200)
        if reached == offset:
            break
        seen, offset = [*seen, *(event["seq"] for event in events)], reached
    assert seen == list(range(1, 51))


def test_what_is_no_number_travels_as_a_word(log: EventLog) -> None:
    log.emit("stepped", step=1, metrics={"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.1})
    (line,) = log.path.read_text().splitlines()
    assert json.loads(line)["metrics"] == {"a": "nan", "b": "inf", "c": "-inf", "d": 0.1}
    metrics = dict(metrics_of(json.loads(line)))
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"], metrics["d"]) == (math.inf, -math.inf, 0.1)


def test_an_event_that_is_no_json_is_an_error_and_takes_no_number(log: EventLog) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        log.emit("stepped", step=math.nan)
    log.emit("stepped", step=1)
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
