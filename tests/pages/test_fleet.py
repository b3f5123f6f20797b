"""Queue and workers: who works, who waits and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.accounts.models import Membership, Project, Role
from dashboard.fleet.models import Worker
from dashboard.fleet.waiting import Busy, reason
from dashboard.runs.lifecycle import submit
from tests.cast import Cast
from tests.pages.working import claim, train, worker
from trainer import recipes

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def alive() -> None:
    Worker.objects.filter(pk=worker().pk).update(last_seen=timezone.now() + timedelta(hours=1))


def test_the_first_waits_for_whoever_is_free_first_and_the_next_for_the_next() -> None:
    busy = [Busy("gpu-1", "steady-kestrel", 722), Busy("gpu-2", "calm-juniper", 60)]
    assert reason(0, 2, 0, busy).title == "Waits for gpu-2"
    assert reason(1, 2, 0, busy).detail == "busy with steady-kestrel, about 12 m"
    assert reason(2, 2, 0, busy).detail == "2 jobs are in front of it"


def test_a_free_worker_takes_the_first_and_the_second_waits() -> None:
    busy = [Busy("gpu-1", "", None)]
    assert reason(0, 2, 1, busy).title == "Starts in a moment"
    assert reason(1, 2, 1, busy).detail == "busy with a run of another project"


def test_without_a_worker_nothing_starts() -> None:
    assert reason(0, 0, 0, []).never


def test_the_queue_tells_what_runs_and_why_the_rest_waits(alice: Client, cast: Cast) -> None:
    alive()
    cast.submit("steady-kestrel")
    train(claim(), {1: 2.0})
    cast.submit("calm-juniper")
    text = text_of(alice, "/queue/")
    assert "1 waiting, 1 running, 1 worker listening" in text
    assert "Waits for cpu-1" in text
    assert "busy with steady-kestrel" in text


def test_an_empty_queue_says_what_would_appear_in_it(alice: Client) -> None:
    assert "Nothing waits" in text_of(alice, "/queue/")


def test_runs_of_other_projects_keep_their_place_but_not_their_name(client: Client, cast: Cast) -> None:
    alive()
    cast.submit("secret-running")
    claim()
    cast.submit("secret-waiting")
    own = Project.objects.create(name="Own", slug="own")
    Membership.objects.create(project=own, user=cast.charlie, role=Role.OWNER)
    submit(own, cast.charlie, "own-run", recipes.load()["sentiment-tiny"].config)
    client.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
    for path in ("/queue/", "/workers/"):
        assert "secret" not in text_of(client, path)
    text = text_of(client, "/queue/")
    assert "a run of another project" in text
    assert "own-run" in text
    assert "1 job is in front of it" in text


def test_a_viewer_can_take_nothing_out(client: Client, cast: Cast) -> None:
    cast.submit()
    client.force_login(cast.bob, backend="django.contrib.auth.backends.ModelBackend")
    assert "Take out of the queue" not in text_of(client, "/queue/")


def test_workers_show_host_devices_and_whether_they_answer(alice: Client) -> None:
    now = timezone.now()
    devices = [{"kind": "gpu", "name": "RTX 4090", "memory_bytes": 24 * 10**9}]
    fields = {"host": "lab-7", "pid": 1, "started_at": now, "devices": devices}
    Worker.objects.create(name="gpu-1", last_seen=now + timedelta(hours=1), **fields)
    Worker.objects.create(name="gpu-2", last_seen=now - timedelta(minutes=5), **fields)
    Worker.objects.create(name="gpu-3", last_seen=now - timedelta(minutes=5), stopped_at=now, **fields)
    Worker.objects.create(name="gpu-4", last_seen=now - timedelta(days=30), **fields)
    text = text_of(alice, "/workers/")
    assert "1 listens" in text
    assert "RTX 4090" in text
    assert "24.0 GB" in text
    assert "<b data-word>Lost</b>" in text
    assert "Stopped" in text
    assert "gpu-4" not in text
