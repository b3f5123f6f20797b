"""This worker's row in the database: its name, its machine, its heartbeat."""

from __future__ import annotations

import itertools
import os
import platform
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from workers.devices import devices


class NameTaken(Exception):
    """Another process that is alive works under this name."""


class Station:
    """The row that this process holds. A process that was frozen may find its name taken over, and gets another one."""

    def __init__(self, name: str = "", num_slots: int = 1) -> None:
        self.name, self.num_slots = name, num_slots
        self.devices = devices()
        self.worker = self.register()

    def register(self) -> Worker:
        """Raises NameTaken for a name that was asked for; without one the first free `host-number` is taken."""
        if self.name:
            if worker := self.take(self.name):
                return worker
            raise NameTaken(f"a worker named {self.name} is running already")
        names = (f"{host()}-{number}" for number in itertools.count(1))
        return next(worker for worker in map(self.take, names) if worker)

    def take(self, name: str) -> Worker | None:
        """Makes the row of a name, or takes it over from a process that is no more; one conditional UPDATE decides."""
        try:
            with transaction.atomic():
                return Worker.objects.create(name=name, **self.present())
        except IntegrityError:
            found = Worker.objects.get(name=name)
        if Worker.objects.alive().filter(pk=found.pk).exists() and not has_ended(found):
            return None
        held = Worker.objects.filter(pk=found.pk, pid=found.pid, host=found.host)
        return Worker.objects.get(pk=found.pk) if held.update(**self.present()) else None

    def present(self) -> dict[str, Any]:
        return {
            "host": host(),
            "pid": os.getpid(),
            "devices": self.devices,
            "num_slots": self.num_slots,
            "started_at": Now(),
            "last_seen": Now(),
            "stopped_at": None,
        }

    def beat(self) -> None:
        if not self.row().update(last_seen=Now()):
            self.worker = self.register()

    def close(self) -> None:
        self.row().update(stopped_at=Now())

    def row(self) -> QuerySet[Worker]:
        return Worker.objects.filter(pk=self.worker.pk, pid=os.getpid(), host=host())


def host() -> str:
    return platform.node().split(".")[0] or "worker"


def has_ended(worker: Worker) -> bool:
    """Whether it was a process of this machine that is gone: its name is free at once, without waiting for its last heartbeat to age."""
    if worker.host != host():
        return False
    if worker.pid == os.getpid():
        return True
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
