"""The slots of a worker: threads that each run one job after the other.

They are not Celery's threads, so hours of training never keep a prediction waiting; and they look for work by themselves every
two seconds, so a lost message, a dead broker or a Celery consumer that went deaf costs a moment and not the job.
"""

from __future__ import annotations

import logging
import threading

from django.db import Error, connection

from workers import pipeline
from workers.station import Station

log = logging.getLogger(__name__)

LOOK_S = 2.0
bell = threading.Event()
shutting_down = threading.Event()


def start(station: Station) -> list[threading.Thread]:
    slots = [threading.Thread(target=serve, args=(station,), name=f"slot {number}") for number in range(1, station.num_slots + 1)]
    for slot in slots:
        slot.start()
    return slots


def serve(station: Station) -> None:
    """Runs queued jobs, the oldest first, until the worker shuts down."""
    while not shutting_down.is_set():
        if not run_next(station):
            bell.wait(LOOK_S)
            bell.clear()
    connection.close()


def run_next(station: Station) -> bool:
    """A job that ran into a fault of this worker's own is left to its lease: it runs out and the sweep gives it back."""
    try:
        return pipeline.run_next(station.worker, shutting_down)
    except Error as error:
        log.warning("the database does not answer: %s", error)
        connection.close()
    except Exception:
        log.exception("the job was given up")
    return False


def shut_down() -> None:
    """Asks the trainers to save and their slots to end."""
    shutting_down.set()
    bell.set()
