"""The workers that have been seen, each kept up to date by its own heartbeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Now

ALIVE_FOR = timedelta(seconds=10)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        return self.filter(last_seen__gt=Now() - ALIVE_FOR, stopped_at=None)


class Worker(models.Model):
    """One worker process. `name` is `host-number`; a name is taken over by the next process that claims it."""

    name = models.CharField(max_length=120, unique=True)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    devices: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    num_slots = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField()
    last_seen = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
