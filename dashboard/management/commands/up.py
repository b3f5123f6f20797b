"""`manage.py up`: all of Anneal on this machine, in the foreground. Ctrl-C stops all of it."""

from __future__ import annotations

import fcntl
import os
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from dashboard.accounts.seeding import FirstLogin, seed
from dashboard.runs.example import queue_example
from dashboard.start import embedded, services
from dashboard.start.child import Child
from dashboard.start.supervisor import Supervisor

READY_WITHIN_S = 120.0


class Command(BaseCommand):
    help = "Starts everything: message server (unless REDIS_URL names one), database, web server and a worker."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        lock = only_one()
        if not services.port_is_free():
            raise CommandError(
                f"Port {settings.PORT} on {settings.HOST} is in use. Stop what listens there, or set ANNEAL_PORT to another one."
            )
        supervisor = Supervisor()
        supervisor.heed_signals()
        try:
            self.run(supervisor)
        except embedded.NotReady as error:
            raise CommandError(str(error)) from None
        finally:
            self.stdout.write("Stopping ...")
            supervisor.stop()
            lock.close()

    def run(self, supervisor: Supervisor) -> None:
        if not settings.REDIS_URL:
            supervisor.start(Child("valkey", embedded.configure()))
            embedded.wait_until_ready()
        login = prepare_database()
        web, worker = services.web(), services.worker()
        supervisor.start(web)
        supervisor.start(worker)
        if supervisor.look_after(lambda: services.page_answers() and services.worker_is_ready(worker), READY_WITHIN_S):
            self.greet(f"Anneal is ready: {services.address()}", login)
        elif not supervisor.stopping.is_set():
            self.greet(f"After {READY_WITHIN_S:.0f} s no page answers, or no worker is ready; the lines above say why.", login)
        connection.close()
        supervisor.look_after(lambda: False)

    def greet(self, title: str, login: FirstLogin | None) -> None:
        lines = [title]
        if login:
            lines += [f"First login: {login.username}", f"Password:    {login.password}   (shown only this once)"]
        bar = "-" * max(map(len, lines))
        self.stdout.write("\n".join(["", bar, *lines, bar, ""]))
        self.stdout.flush()


def only_one() -> IO[str]:
    """Holds a lock on the data folder as long as this process lives. Raises CommandError when another one holds it."""
    lock = open(settings.DATA_DIR / "up.lock", "a+")  # noqa: SIM115  (kept open on purpose)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise CommandError(f"Anneal already runs on {settings.DATA_DIR} (process {lock.read().strip()}).") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def prepare_database() -> FirstLogin | None:
    call_command("migrate", interactive=False, verbosity=0)
    login = seed()
    if os.environ.get("ANNEAL_EXAMPLE_RUN", "1") != "0":
        queue_example()
    return login
