"""A worker from start to end: its station, its slots, its sweep, and Celery, which hears the messages."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from typing import Any

from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_shutting_down

from dashboard.runs.queue import TRAINING
from workers import predictions, runner
from workers.celery import app
from workers.pipeline import SHUTDOWN_GRACE_S
from workers.retention import keep_pruning
from workers.station import Station
from workers.sweep import keep_sweeping

log = logging.getLogger(__name__)

# Messages are answered in an instant.
NUM_LISTENERS = 2


def serve(name: str, num_slots: int) -> int:
    """Works until SIGTERM or Ctrl-C; then the trainers save, their jobs go back to the queue, and this returns."""
    heed_signals()
    station, ended = Station(name, num_slots), threading.Event()
    threads: list[threading.Thread] = []
    try:
        log.info("worker %s is ready (%s)", station.worker.name, ", ".join(device["name"] for device in station.devices))
        threads += [*runner.start(station), *predictions.start(runner.shutting_down)]
        sweep = threading.Thread(target=keep_sweeping, args=(station, ended), name="sweep")
        sweep.start()
        pruning = threading.Thread(target=keep_pruning, args=(ended,), name="retention", daemon=True)
        pruning.start()
        listen(station)
    finally:
        shut_down()
        for thread in threads:
            thread.join()
        ended.set()
        station.close()
        log.info("worker %s has ended", station.worker.name)
    return 0


def heed_signals() -> None:
    """Until Celery sets its own handlers: a signal then must not cut the start in half, with a trainer running already."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def listen(station: Station) -> None:
    """Celery's part: a queue, a thread pool, nothing reserved ahead. Returns when a signal asks to stop.

    Its warning about root concerns pickled messages, which are refused here.
    """
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app.Worker(
        hostname=f"anneal@{station.worker.name}",
        queues=[TRAINING],
        pool="threads",
        concurrency=NUM_LISTENERS,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    ).start()


@worker_shutting_down.connect
def shut_down(**_: Any) -> None:
    """Once: the trainers get their grace period, and then this process ends even if something of it hangs."""
    if not runner.shutting_down.is_set():
        runner.shut_down()
        last = threading.Timer(SHUTDOWN_GRACE_S + 10, os._exit, args=(1,))
        last.daemon = True
        last.start()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery configures logging unless somebody listens here; Django's settings did it already. A message is no news."""
    logging.getLogger("celery").setLevel(logging.WARNING)
