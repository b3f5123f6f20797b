"""The axes a curve is drawn over: of the stage, of the run, by the clock, and by the clock without the pauses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db.models.functions import Now

from dashboard.metrics.answers import answers
from dashboard.metrics.axes import Axis
from dashboard.metrics.names import WALL
from dashboard.metrics.parts import Ask, Piece
from dashboard.runs.models import Attempt, Run, Stage
from tests.cast import Cast
from tests.metrics.store import Book

pytestmark = pytest.mark.django_db
LOSS = "train/loss"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 60


@pytest.fixture
def run(cast: Cast) -> Run:
    """Stage 1 in two attempts with an hour between them, stage 2 in one; a step takes a second, 32 samples and 100 tokens."""
    run = cast.submit()
    first, second, _ = run.stages
    write(first, 1, 0, 1, 40)
    write(first, 2, 3600, 21, 60)
    write(second, 1, 7200, 1, 10)
    return run


def write(stage: Stage, number: int, later: int, first_step: int, last_step: int) -> None:
    """The attempt ends with its last step."""
    began, num_steps = BEGAN + timedelta(seconds=later), last_step - first_step + 1
    ended = began + timedelta(seconds=num_steps)
    times = {"started_at": began, "ended_at": ended, "last_point_at": ended, "lease_until": Now()}
    attempt = Attempt.objects.create(job=stage, number=number, first_step=first_step, outcome="stopped", **times)
    steps = np.arange(first_step, last_step + 1)
    book = Book(attempt)
    walls = began.timestamp() + np.arange(1, num_steps + 1)
    for metric, values in {LOSS: 1 / steps, WALL: walls, "progress/samples": 32 * steps, "progress/tokens": 100 * steps}.items():
        book.flush(metric, steps, values)


def x(run: Run, axis: Axis, stage: int | None = None, max_points: int = 2000, metric: str = LOSS) -> list[float]:
    found = answers([Ask(run, Piece(metric), stage)], max_points, axis)[0]
    assert found.x is not None
    assert len(found.x) == len(found.curve.step)
    return found.x.tolist()


def test_active_time_takes_the_pauses_out_and_goes_on_over_stages(run: Run) -> None:
    found = x(run, "active")
    assert found == [*range(1, 21), *range(41, 81), *range(81, 91)]
    assert x(run, "active", stage=2) == list(range(81, 91))


def test_wall_time_is_that_of_the_attempt_that_made_the_step(run: Run) -> None:
    began = BEGAN.timestamp()
    assert x(run, "wall", stage=1) == [*(began + np.arange(1, 21)), *(began + 3600 + np.arange(1, 41))]


@pytest.mark.parametrize("max_points", [5, 2000])
def test_a_window_behind_what_an_attempt_still_has_is_the_next_ones_alone(run: Run, max_points: int) -> None:
    for axis in ("wall", "active"):
        answer = answers([Ask(run, Piece(LOSS, None, 30, 55), 1)], max_points, axis)[0]
        assert {part.attempt.number for part in answer.curve.parts} == {2}
        assert (answer.curve.num_points, answer.x[-1]) == (26, {"wall": BEGAN.timestamp() + 3635, "active": 75}[axis])


def test_samples_and_tokens_count_in_the_stage_or_over_the_whole_run(run: Run) -> None:
    assert x(run, "samples", stage=2) == [32.0 * step for step in range(1, 11)]
    assert x(run, "tokens")[-1] == 100 * (60 + 10)
    assert x(run, "samples")[:3] == [32, 64, 96]


def test_steps_of_the_run_are_those_of_its_stages_in_turn(run: Run) -> None:
    offset = run.stages[0].num_steps
    assert x(run, "run_step", stage=2) == [offset + step for step in range(1, 11)]
    assert x(run, "run_step") == answers([Ask(run, Piece(LOSS))])[0].curve.step.tolist()
    assert answers([Ask(run, Piece(LOSS), 1)])[0].x is None


def test_a_bucket_stands_where_its_last_step_was(run: Run) -> None:
    answer = answers([Ask(run, Piece(LOSS), 1)], 7, "samples")[0]
    assert answer.curve.buckets
    assert answer.x.tolist() == (32 * answer.curve.step).tolist()


def test_a_metric_between_the_steps_that_are_known_stands_between_them(run: Run) -> None:
    attempt = Attempt.objects.get(job=run.stages[1])
    Book(attempt).flush("validation/loss", [3, 10], [1.0, 2.0])
    assert x(run, "samples", stage=2, metric="validation/loss") == [96, 320]


def test_what_an_attempt_never_said_is_no_number(cast: Cast) -> None:
    run = cast.submit()
    attempt = Attempt.objects.create(job=run.stages[0], number=1, lease_until=Now(), started_at=Now())
    Book(attempt).flush(LOSS, [1, 2], [1.0, 2.0])
    for axis in ("wall", "samples", "tokens", "active"):
        assert np.isnan(x(run, axis)).all()
    assert x(run, "wall", metric="no/such") == []
