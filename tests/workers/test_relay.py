"""What a trainer wrote reaches the database once: in pieces, after a fault in the middle, and never from one who lost the job."""

from __future__ import annotations

import json
import math
import random
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.live.messages import Update
from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.names import is_chart
from dashboard.metrics.packing import unpack_points
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease, LeaseLost
from dashboard.runs.models import Attempt, Event, LogChunk, Run, Stage
from tests.workers.conftest import RECORDING
from trainer.events import FILE_NAME, metrics_of
from workers import facts
from workers.outcome import conclude
from workers.process import LOG
from workers.relay import Relay, rescue

pytestmark = pytest.mark.django_db

Points = dict[str, list[tuple[int, float]]]


@pytest.fixture
def attempt(lease: Lease) -> Attempt:
    found = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    found.folder.mkdir(parents=True)
    return found


def recorded() -> Points:
    points: Points = defaultdict(list)
    for line in RECORDING.read_text().splitlines():
        event = json.loads(line)
        for metric, value in metrics_of(event):
            points[metric].append((event["step"], value))
    return points


def stored(attempt: Attempt) -> Points:
    """Every point of the database, in the order it was written."""
    points: Points = defaultdict(list)
    for row in Chunk.objects.filter(series__attempt=attempt, level=0).select_related("series").order_by("series", "first_point"):
        if is_chart(row.series.metric):
            points[row.series.metric] += list(zip(*(column.tolist() for column in unpack_points(row.data)), strict=True))
    return points


def events(attempt: Attempt, *given: dict[str, Any]) -> None:
    with (attempt.folder / FILE_NAME).open("a") as file:
        for number, event in enumerate(given, 1):
            file.write(json.dumps({"seq": number, "at": 1.0, "stage": 1, **event}) + "\n")


def test_a_recorded_stage_is_stored_point_by_point(lease: Lease, attempt: Attempt) -> None:
    (attempt.folder / FILE_NAME).write_bytes(RECORDING.read_bytes())
    Relay(lease, attempt).pump()
    assert stored(attempt) == recorded()


def test_a_recorded_stage_tells_its_job_and_its_attempt(lease: Lease, attempt: Attempt) -> None:
    (attempt.folder / FILE_NAME).write_bytes(RECORDING.read_bytes())
    Relay(lease, attempt).pump()
    attempt.refresh_from_db()
    stage = Stage.objects.get(pk=lease.job_id)
    own = f"{lease.run_id}/job-1/attempt-1/checkpoints/stage-2-step-000030"
    assert (attempt.first_step, attempt.last_step, attempt.checkpoint) == (1, 30, own)
    assert (stage.last_step, stage.num_steps, stage.checkpoint, stage.device) == (30, 30, own, "CPU, 1 threads")
    assert stage.results["validation/accuracy"] == pytest.approx(0.50186, abs=1e-5)
    kinds = list(Event.objects.filter(attempt=attempt).values_list("kind", flat=True))
    assert kinds == ["preparing", "started", "saved", "evaluated", "saved", "evaluated", "saved", "finished"]


@pytest.mark.parametrize("seed", range(5))
def test_faults_in_the_middle_of_a_transaction_cost_and_double_nothing(
    lease: Lease, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The file grows byte by byte, lines are torn, and transactions fail after their points were written."""
    luck, data, written = random.Random(seed), RECORDING.read_bytes(), 0
    stepped = facts.stepped

    def fail_sometimes(*given: Any) -> None:
        if luck.random() < 0.5:
            raise DatabaseError("the connection broke")
        stepped(*given)

    monkeypatch.setitem(facts.KINDS, "stepped", fail_sometimes)
    relay = Relay(lease, attempt)
    while written < len(data) or attempt.events_offset < len(data):
        written = min(written + luck.randrange(700), len(data))
        (attempt.folder / FILE_NAME).write_bytes(data[:written])
        try:
            relay.pump()
        except DatabaseError:
            relay.forget()
    assert stored(attempt) == recorded()


def test_a_relay_that_starts_anew_goes_on_where_the_row_says(lease: Lease, attempt: Attempt) -> None:
    lines = RECORDING.read_bytes().splitlines(keepends=True)
    (attempt.folder / FILE_NAME).write_bytes(b"".join(lines[:12]))
    Relay(lease, attempt).pump()
    (attempt.folder / FILE_NAME).write_bytes(b"".join(lines))
    Relay(lease, Attempt.objects.select_related("job__run").get(pk=attempt.pk)).pump()
    assert stored(attempt) == recorded()


def test_numbers_that_are_none_stay_what_they_are(lease: Lease, attempt: Attempt) -> None:
    events(
        attempt, *({"kind": "stepped", "step": step, "metrics": {"train/loss": value}} for step, value in enumerate(("nan", "inf", 2.5), 1))
    )
    Relay(lease, attempt).pump()
    values = [value for _, value in stored(attempt)["train/loss"]]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, 2.5]


def test_the_log_is_relayed_by_whole_lines_and_to_its_end(lease: Lease, attempt: Attempt) -> None:
    (attempt.folder / LOG).write_bytes(b"first\nsec")
    relay = Relay(lease, attempt)
    relay.pump()
    assert [chunk.text for chunk in LogChunk.objects.all()] == ["first\n"]
    (attempt.folder / LOG).write_bytes(b"first\nsecond, and the last words")
    relay.drain()
    assert "".join(chunk.text for chunk in LogChunk.objects.order_by("pk")) == "first\nsecond, and the last words"


def test_a_zombie_changes_nothing(lease: Lease, attempt: Attempt, run: Run, worker: Worker) -> None:
    """Its worker was frozen; meanwhile its lease ran out and another attempt holds the job."""
    Attempt.objects.filter(pk=attempt.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert lifecycle.expire() == 1
    newer = lifecycle.claim(worker)
    assert newer is not None and newer.token == 2
    run.refresh_from_db()
    (attempt.folder / FILE_NAME).write_bytes(RECORDING.read_bytes())
    (attempt.folder / LOG).write_text("I am still here\n")
    with pytest.raises(LeaseLost):
        Relay(lease, attempt).pump()
    for verb in (lifecycle.finish, lifecycle.stopped, lifecycle.release):
        with pytest.raises(LeaseLost):
            verb(lease)
    with pytest.raises(LeaseLost):
        lifecycle.fail(lease, "too late", retryable=True)
    assert (Chunk.objects.count(), LogChunk.objects.count()) == (0, 0)
    assert Run.objects.get(pk=run.pk).cursor == run.cursor
    assert Attempt.objects.get(pk=attempt.pk).events_offset == 0
    assert lifecycle.renew(newer) == "running"


def test_what_a_dead_worker_did_not_relay_is_recorded_by_the_next_one(lease: Lease, attempt: Attempt, worker: Worker) -> None:
    lines = RECORDING.read_bytes().splitlines(keepends=True)
    (attempt.folder / FILE_NAME).write_bytes(b"".join(lines[:5]))
    Relay(lease, attempt).pump()
    (attempt.folder / FILE_NAME).write_bytes(b"".join(lines) + b'{"seq": 39, "torn')
    Attempt.objects.filter(pk=attempt.pk).update(lease_until=Now() - timedelta(seconds=1))
    lifecycle.expire()
    newer = lifecycle.claim(worker)
    assert newer is not None
    for _ in range(2):
        rescue(newer, Attempt.objects.select_related("job__run").get(pk=attempt.pk))
    assert stored(attempt) == recorded()


def test_a_batch_larger_than_one_reading_is_relayed_in_several(lease: Lease, attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.relay.MAX_BYTES", 1000)
    (attempt.folder / FILE_NAME).write_bytes(RECORDING.read_bytes())
    before = Run.objects.get(pk=lease.run_id).cursor
    Relay(lease, attempt).drain()
    assert stored(attempt) == recorded()
    assert Run.objects.get(pk=lease.run_id).cursor - before >= RECORDING.stat().st_size // 1000


def test_paths_of_checkpoints_are_kept_relative_to_the_folder_of_runs(attempt: Attempt) -> None:
    assert Path(facts.relative(attempt, "checkpoints/a")) == Path(f"{attempt.job.run_id}/job-1/attempt-1/checkpoints/a")


@pytest.mark.parametrize("kind", ["skipped", "went_back"])
def test_a_step_that_is_no_number_stands_on_the_time_line_with_its_sources(lease: Lease, attempt: Attempt, kind: str) -> None:
    facts = {"message": "no number", "sources": ["plain-text"], "last_good": 40}
    events(attempt, {"kind": kind, "step": 52, **facts})
    Relay(lease, attempt).pump()
    event = Event.objects.get(attempt=attempt)
    assert (event.kind, event.step, event.data) == (kind, 52, facts)


def test_texts_that_no_database_takes_do_not_hold_up_the_job(lease: Lease, attempt: Attempt) -> None:
    """PostgreSQL refuses NUL in texts and in JSON, and both databases half a character."""
    events(
        attempt,
        {"kind": "warned", "message": "a\0b\ud800"},
        {"kind": "evaluated", "step": 1, "split": "validation", "metrics": {"validation/\0": 0.5}},
        {"kind": "skipped", "step": 1, "message": "", "sources": ["\0"], "last_good": None},
        {"kind": "failed", "message": "a\0b", "reason": "error"},
    )
    relay = Relay(lease, attempt)
    relay.pump()
    assert Event.objects.get(kind="warned").data == {"message": "a\ufffdb\ufffd"}
    assert Event.objects.get(kind="skipped").data["sources"] == ["\ufffd"]
    assert Stage.objects.get(pk=lease.job_id).results == {"validation/\ufffd": 0.5}
    assert stored(attempt)["validation/\ufffd"] == [(1, 0.5)]
    conclude(lease, attempt, 1, relay.failure, shutting_down=False)
    assert Attempt.objects.get(pk=attempt.pk).error == "a\ufffdb"


def steps(first: int, last: int) -> list[dict[str, Any]]:
    metrics = {"train/loss": 0.5, "train/learning_rate": 0.1, "train/grad_norm": 1.0}
    return [{"kind": "stepped", "step": step, "at": 100.0 + step, "metrics": metrics} for step in range(first, last + 1)]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Callable[[Relay], list[Update]]:
    """Pumps once and returns the updates that were published."""

    def pump(relay: Relay) -> list[Update]:
        found: list[Update] = []
        monkeypatch.setattr(lifecycle, "publish", lambda update, _: found.append(update))
        with django_capture_on_commit_callbacks(execute=True):
            relay.pump()
        return found

    return pump


def test_a_batch_of_steps_costs_few_queries(
    lease: Lease, attempt: Attempt, published: Callable[[Relay], list[Update]], django_assert_max_num_queries: Any
) -> None:
    relay = Relay(lease, attempt)
    for first in (1, 101):
        events(attempt, *steps(first, first + 99))
        published(relay)
    events(attempt, *steps(201, 300))
    relay.renewed_at = math.inf
    with django_assert_max_num_queries(6 + 2):  # of a test's transactions each is a savepoint and its release
        published(relay)
    assert Attempt.objects.get(pk=attempt.pk).last_step == Stage.objects.get(pk=lease.job_id).last_step == 300


def test_state_is_told_when_it_changed_and_else_the_newest_step(
    lease: Lease, attempt: Attempt, published: Callable[[Relay], list[Update]]
) -> None:
    relay = Relay(lease, attempt)
    events(attempt, *steps(1, 5), {"kind": "saved", "step": 5, "checkpoint": "checkpoints/a"})
    (update,) = published(relay)
    assert (update.progress, update.run, update.stages) == ({"stage": 1, "last_step": 5}, None, [])
    events(attempt, *steps(6, 7), {"kind": "evaluated", "step": 7, "split": "validation", "metrics": {"validation/loss": 2.5}})
    (update,) = published(relay)
    assert update.progress is None
    assert update.run and update.run["status"] == "running"
    assert (update.stages[0]["last_step"], update.stages[0]["results"]) == (7, {"validation/loss": 2.5})
    assert published(relay) == []


def test_the_wall_clock_of_every_step_is_a_series(lease: Lease, attempt: Attempt) -> None:
    events(attempt, *steps(1, 3))
    Relay(lease, attempt).pump()
    row = Chunk.objects.get(series__attempt=attempt, series__metric="progress/wall")
    assert unpack_points(row.data)[1].tolist() == [101.0, 102.0, 103.0]


def test_two_million_points_in_one_flush_are_relayed_in_little_memory(lease: Lease, attempt: Attempt) -> None:
    count = 500_000
    with (attempt.folder / FILE_NAME).open("w") as file:
        for step in range(1, count + 1):
            file.write(f'{{"seq":{step},"at":{step},"kind":"stepped","stage":1,"step":{step},"metrics":{{"a":{step},"b":1,"c":2}}}}\n')
    relay = Relay(lease, attempt)
    tracemalloc.start()
    for _ in range(3):
        relay.pump()
        assert relay.is_behind
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    relay.drain()
    found = {series.metric: (series.num_points, series.last_step) for series in Series.objects.filter(attempt=attempt)}
    assert found == dict.fromkeys(("a", "b", "c", "progress/wall"), (count, count))
    assert peak < 64 * 2**20
