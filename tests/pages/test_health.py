"""`/healthz`: what a monitor is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.utils import timezone

from dashboard.fleet.models import Worker
from dashboard.home import health

pytestmark = pytest.mark.django_db


class Answering:
    def ping(self) -> bool:
        return True


@pytest.fixture
def worker() -> Worker:
    now = timezone.now()
    return Worker.objects.create(name="gpu-1", host="lab", pid=1, started_at=now, last_seen=now + timedelta(hours=1))


@pytest.fixture
def valkey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "client", Answering)


@pytest.mark.usefixtures("valkey", "worker")
def test_all_is_well() -> None:
    answer = Client().get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "redis": "ok", "workers": 1}


@pytest.mark.usefixtures("valkey")
def test_without_a_worker_it_says_so() -> None:
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["workers"] == "no worker is listening"


@pytest.mark.usefixtures("worker")
def test_without_the_message_server_it_says_so_and_gives_no_address_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise redis.ConnectionError("redis://:secret@10.0.0.7:6379 refused")

    monkeypatch.setattr(health, "client", refuse)
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["redis"] == "the message server does not answer"
    assert "secret" not in answer.content.decode()
