"""Curves: every step once, newest attempt wins, extremes and NaN survive."""

from __future__ import annotations

import math

import numpy as np
import pytest
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.live.replay import updates_after
from dashboard.metrics import reading, wire
from dashboard.metrics.answers import answers
from dashboard.metrics.parts import Ask, Piece
from dashboard.metrics.writing import write_points
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run
from tests.cast import Cast

pytestmark = pytest.mark.django_db
LOSS = "train/loss"


@pytest.fixture
def worker(db) -> Worker:
    return Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now())


@pytest.fixture
def run(cast: Cast) -> Run:
    return cast.submit()


def write(lease: lifecycle.Lease, points: list[tuple[int, float]], metric: str = LOSS) -> None:
    with lifecycle.recording(lease) as update:
        write_points(update, Attempt.objects.get(pk=lease.attempt_id), {metric: points})


def second_attempt(worker: Worker, lease: lifecycle.Lease, first_step: int) -> lifecycle.Lease:
    lifecycle.release(lease)
    again = lifecycle.claim(worker)
    assert again
    Attempt.objects.filter(pk=again.attempt_id).update(first_step=first_step)
    return again


def test_points_of_several_flushes_make_one_curve(run: Run, worker: Worker) -> None:
    lease = lifecycle.claim(worker)
    write(lease, [(1, 4.0), (2, 3.0)])
    write(lease, [(3, 2.0)])
    series = reading.series(run, LOSS, stage=1)
    assert (series.step.tolist(), series.value.tolist(), series.buckets) == ([1, 2, 3], [4.0, 3.0, 2.0], False)


def test_a_resumed_stage_has_every_step_exactly_once(run: Run, worker: Worker) -> None:
    lease = lifecycle.claim(worker)
    write(lease, [(step, 1.0) for step in range(1, 8)])
    write(second_attempt(worker, lease, first_step=5), [(step, 2.0) for step in range(5, 11)])
    series = reading.series(run, LOSS, stage=1)
    assert series.step.tolist() == list(range(1, 11))
    assert series.value.tolist() == [1.0] * 4 + [2.0] * 6
    assert reading.series(run, LOSS, stage=1, attempt=1).step.tolist() == list(range(1, 8))


def test_the_whole_run_counts_steps_from_its_beginning(run: Run, worker: Worker) -> None:
    lease = lifecycle.claim(worker)
    write(lease, [(1, 4.0)])
    lifecycle.finish(lease)
    write(lifecycle.claim(worker), [(1, 3.0)])
    offset = run.stages[0].num_steps
    assert reading.series(run, LOSS).step.tolist() == [1, offset + 1]


def test_thinning_keeps_the_extremes_and_counts_every_point(run: Run, worker: Worker) -> None:
    values = np.random.default_rng(0).normal(size=5000)
    values[1234], values[4321] = 99.0, -99.0
    write(lifecycle.claim(worker), list(enumerate(values.tolist(), 1)))
    series = reading.series(run, LOSS, stage=1, max_points=100)
    assert (series.num_points, len(series.step), series.buckets) == (5000, 100, True)
    assert (series.maximum.max(), series.minimum.min()) == (99.0, -99.0)
    assert series.step[-1] == 5000


def test_nan_and_infinity_are_kept_and_travel_as_words(run: Run, worker: Worker) -> None:
    write(lifecycle.claim(worker), [(1, math.nan), (2, math.inf), (3, 1.0)])
    document = wire.to_document(answer(run))
    assert document["value"] == ["nan", "inf", 1.0]


def test_a_bucket_of_nan_alone_is_nan_and_others_ignore_it(run: Run, worker: Worker) -> None:
    write(lifecycle.claim(worker), [(step, math.nan if step <= 10 else 1.0) for step in range(1, 21)])
    series = reading.series(run, LOSS, stage=1, max_points=2)
    assert math.isnan(series.value[0])
    assert series.value[1] == 1.0


def test_packed_bytes_hold_what_json_holds(run: Run, worker: Worker) -> None:
    write(lifecycle.claim(worker), [(1, 4.0), (2, 0.1)])
    run.refresh_from_db()
    packed = wire.to_bytes([answer(run)])
    head = wire.HEADER.unpack_from(packed)
    assert head == (b"ANNL", 2, 0, len(LOSS), len(packed), run.pk, 1, 0, 2, 0, 2, run.cursor)
    assert packed[48:58] == LOSS.encode()
    assert np.frombuffer(packed, "<f8", 2, 64).tolist() == [4.0, 0.1]
    assert np.frombuffer(packed, "<u4", 2, 80).tolist() == [1, 2]
    assert len(packed) == 88


def answer(run: Run, metric: str = LOSS):
    return answers([Ask(run, Piece(metric), stage=1)])[0]


def test_what_was_published_can_be_read_back_after_any_cursor(run: Run, worker: Worker) -> None:
    lease = lifecycle.claim(worker)
    start = Run.objects.get(pk=run.pk).cursor
    for step in range(1, 6):
        write(lease, [(step, float(step))])
    updates = updates_after(run.pk, start + 2)
    assert [update.cursor for update in updates] == [start + 3, start + 4, start + 5]
    assert [update.points[0].steps.tolist() for update in updates] == [[3], [4], [5]]
    assert updates[-1].stages[0]["attempts"][0]["number"] == 1
    assert updates_after(run.pk, start + 5) == []
