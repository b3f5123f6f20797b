"""What runs beside the database and the message server: the web server and a worker, with the commands that containers use too."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request

from django.conf import settings

from dashboard.fleet.models import Worker
from dashboard.start.child import Child


def web() -> Child:
    """Frames are small, so compressing them costs more than it saves; a page never sends more than a few bytes."""
    options = {
        "--host": settings.HOST,
        "--port": str(settings.PORT),
        "--ws-per-message-deflate": "false",
        "--ws-max-size": "65536",
        "--timeout-graceful-shutdown": "5",
        "--log-level": "warning",
    }
    flags = [word for option in options.items() for word in option]
    return Child("web", [sys.executable, "-m", "uvicorn", "dashboard.asgi:application", "--no-server-header", *flags])


def worker() -> Child:
    """May take a while to end: its trainer saves first."""
    return Child("worker", [sys.executable, "-m", "workers"], patience_s=30)


def address() -> str:
    shown = "127.0.0.1" if settings.HOST in ("0.0.0.0", "::") else settings.HOST  # noqa: S104  (compared, not bound)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{settings.PORT}/"


def port_is_free() -> bool:
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError:
            return False
    return True


def page_answers() -> bool:
    try:
        with urllib.request.urlopen(f"{address()}sign-in/", timeout=5) as answer:  # noqa: S310  (our own address)
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refusal:
        # A redirect to https, or a proxy's name wanted: it answers.
        return refusal.code < 500
    except OSError:
        return False


def worker_is_ready(child: Child) -> bool:
    return child.process is not None and Worker.objects.alive().filter(pid=child.process.pid).exists()
