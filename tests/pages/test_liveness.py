"""Every live object says how fresh it is, and carries the figures that the page goes on judging by."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fleet.models import Worker
from dashboard.live.overview import overview
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run
from dashboard.runs.page_data import page_data
from tests.cast import Cast
from tests.pages.working import claim, train, worker

pytestmark = pytest.mark.django_db
SIDE_BAR = 'class="freshness dot-only '


@pytest.fixture
def run(cast: Cast) -> Run:
    """Under way since 100 s, a step every 10 s, the newest just now."""
    run = cast.submit()
    train(claim(), dict.fromkeys(range(1, 11), 2.0))
    Attempt.objects.update(started_at=timezone.now() - timedelta(seconds=100))
    return run


def silent_for(seconds: float, heartbeat: float = 0) -> None:
    now = timezone.now()
    Attempt.objects.update(last_point_at=now - timedelta(seconds=seconds))
    Worker.objects.update(last_seen=now - timedelta(seconds=heartbeat))


def text_of(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())


@pytest.mark.parametrize(("seconds", "heartbeat", "word"), [(20, 0, "live"), (40, 0, "slow"), (400, 0, "stale"), (1, 30, "lost")])
def test_cards_rows_and_side_bar_say_the_same_word(alice: Client, run: Run, seconds: float, heartbeat: float, word: str) -> None:
    Attempt.objects.update(started_at=timezone.now() - timedelta(seconds=100 + seconds))
    silent_for(seconds, heartbeat)
    text = text_of(alice, "/runs/")
    assert f'class="point-age {word}" data-fresh' in text
    assert f'{SIDE_BAR}{word}"' in text
    assert f'class="freshness {word}" data-fresh' in text_of(alice, "/")


def test_before_the_first_point_the_heartbeat_counts(alice: Client, cast: Cast) -> None:
    cast.submit()
    claim()
    assert f"{SIDE_BAR}live" in text_of(alice, "/runs/")


def test_a_run_that_nobody_holds_has_no_dot(alice: Client, cast: Cast, run: Run) -> None:
    lifecycle.release(lifecycle.Lease(run.pk, run.jobs.all()[0].pk, Attempt.objects.get().pk, 1, "stage"))
    assert SIDE_BAR not in text_of(alice, "/runs/")


def test_the_overview_carries_heartbeat_and_pace_of_what_is_held(cast: Cast, run: Run) -> None:
    ((_, summary),) = overview([cast.project.pk]).values()
    assert summary["seen_at"] == worker().last_seen.timestamp()
    assert summary["worker"] == "cpu-1"
    assert summary["interval"] == pytest.approx(10, rel=0.1)
    Attempt.objects.update(ended_at=timezone.now())
    assert overview([cast.project.pk])[run.pk][1]["seen_at"] is None


def test_the_run_page_starts_from_the_same_heartbeat(run: Run) -> None:
    assert page_data(run)["heartbeat"]["seen_at"] == worker().last_seen.timestamp()


def test_a_worker_is_live_by_its_heartbeat(alice: Client, cast: Cast) -> None:
    worker()
    assert 'class="freshness live" data-fresh data-beat' in text_of(alice, "/workers/")
    Worker.objects.update(last_seen=timezone.now() - timedelta(seconds=9.5))
    assert 'class="freshness slow" data-fresh data-beat' in text_of(alice, "/workers/")
