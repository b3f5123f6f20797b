"""Whether the parts that Anneal needs answer: for monitors, and for the first page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from dashboard.fleet.models import Worker
from dashboard.redis import client


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, 503 with the reason otherwise. Says nothing that a stranger could use."""
    problems = {"database": database_problem(), "redis": redis_problem()}
    workers = 0 if problems["database"] else Worker.objects.alive().count()
    is_well = workers > 0 and not any(problems.values())
    answer = {name: problem or "ok" for name, problem in problems.items()}
    body = {"status": "ok" if is_well else "unavailable", **answer, "workers": workers or "no worker is listening"}
    return JsonResponse(body, status=200 if is_well else 503)


def database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database does not answer"
    return ""


def redis_problem() -> str:
    try:
        client().ping()
    except (RedisError, OSError):
        return "the message server does not answer"
    return ""


def server_facts() -> dict[str, Any]:
    """What the first page tells a new owner about the machine."""
    begun = time.perf_counter()
    problem = redis_problem()
    worker = Worker.objects.alive().order_by("pk").first()
    devices = worker.devices if worker else []
    return {
        "database": {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(connection.vendor, connection.vendor),
        "database_bytes": database_bytes(),
        "redis_problem": problem,
        "redis_ms": max(1, round(1000 * (time.perf_counter() - begun))),
        "redis_is_embedded": not settings.REDIS_URL,
        "worker": worker,
        "cores": next((device["cores"] for device in devices if device["kind"] == "cpu"), None),
        "gpu": next((device["name"] for device in devices if device["kind"] == "gpu"), None),
    }


def database_bytes() -> int | None:
    """The size of the SQLite file; None for a server."""
    path = Path(str(connection.settings_dict["NAME"]))
    return path.stat().st_size if connection.vendor == "sqlite" and path.is_file() else None
