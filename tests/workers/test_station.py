"""A worker's name and row; the sweep that gives back what dead workers held."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle, queue
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt, Job, Run, Status
from tests.servers import Server
from workers.devices import devices
from workers.station import NameTaken, Station, host
from workers.sweep import sweep

pytestmark = pytest.mark.django_db


def row(name: str, pid: int, where: str = "", **fields: object) -> Worker:
    return Worker.objects.create(name=name, host=where or host(), pid=pid, **{"started_at": Now(), "last_seen": Now(), **fields})


@pytest.fixture
def living_pid():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid


def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_a_worker_takes_the_first_free_number_of_its_host(living_pid: int) -> None:
    row(f"{host()}-1", living_pid)
    assert Station().worker.name == f"{host()}-2"


def test_a_name_whose_process_has_ended_is_free_at_once() -> None:
    old = row(f"{host()}-1", ended_pid())
    worker = Station().worker
    assert (worker.pk, worker.pid) == (old.pk, os.getpid())


def test_a_name_that_stopped_or_fell_silent_is_free() -> None:
    row("gpu", 1, "elsewhere", last_seen=Now() - timedelta(minutes=1))
    row("cpu", 1, "elsewhere", stopped_at=Now())
    assert [Station("gpu").worker.pid, Station("cpu").worker.pid] == [os.getpid()] * 2


def test_the_name_of_another_living_worker_is_refused() -> None:
    row("gpu", 1, "elsewhere")
    with pytest.raises(NameTaken):
        Station("gpu")


def test_a_heartbeat_keeps_the_worker_alive_and_its_end_is_noted() -> None:
    station = Station("cpu")
    Worker.objects.update(last_seen=Now() - timedelta(minutes=1))
    station.beat()
    assert Worker.objects.alive().get() == station.worker
    station.close()
    assert not Worker.objects.alive().exists()


def test_a_frozen_worker_whose_name_was_taken_over_gets_another(living_pid: int) -> None:
    station = Station()
    Worker.objects.update(pid=living_pid)
    station.beat()
    assert [worker.name for worker in Worker.objects.order_by("name")] == [f"{host()}-1", f"{host()}-2"]
    assert station.worker.pid == os.getpid()


def test_a_machine_names_its_processor() -> None:
    cpu = devices()[0]
    assert cpu["kind"] == "cpu"
    assert cpu["name"] and cpu["cores"] >= 1 and cpu["memory_bytes"] > 2**28


def test_the_sweep_gives_back_what_a_dead_worker_held(lease: Lease, run: Run) -> None:
    sweep()
    assert Job.objects.get(pk=lease.job_id).status == Status.RUNNING
    Attempt.objects.update(lease_until=Now() - timedelta(seconds=1))
    sweep()
    assert Job.objects.get(pk=lease.job_id).status == Status.QUEUED
    assert Run.objects.get(pk=run.pk).status == Status.LOST


def test_the_sweep_rings_again_for_a_job_that_nobody_took(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(queue, "ring", rung.append)
    sweep()
    assert rung == []
    Job.objects.filter(run=run, position=1).update(queued_at=Now() - lifecycle.RING_AGAIN_AFTER * 2)
    sweep()
    assert rung == [Job.objects.get(run=run, position=1).pk]


def test_a_ring_lands_in_the_queue_of_the_workers(run: Run, valkey: Server) -> None:
    from dashboard.redis import client

    queue.ring(7)
    assert client().llen(queue.TRAINING) == 1
    assert '"workers.tasks.run_next"' in str(client().lindex(queue.TRAINING, 0))


def test_a_ring_without_a_server_is_no_error(run: Run, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    queue.ring(7)
