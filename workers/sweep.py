"""The sweep that every worker makes: say that it lives, give back what dead workers held, ring for jobs nobody was told of."""

from __future__ import annotations

import logging
import threading

from django.db import Error, connection

from dashboard.runs import lifecycle, queue
from workers.station import Station

log = logging.getLogger(__name__)

BEAT_S = 2.0


def keep_sweeping(station: Station, ended: threading.Event) -> None:
    """Runs in a thread of its own until the worker has ended; a database that does not answer is asked again."""
    while not ended.wait(BEAT_S):
        try:
            station.beat()
            sweep()
        except Error as error:
            log.warning("the database does not answer: %s", error)
            connection.close()
    connection.close()


def sweep() -> None:
    if expired := lifecycle.expire():
        log.warning("gave back %s job(s) whose worker stopped answering", expired)
    for job_id in lifecycle.queued_too_long():
        queue.ring(job_id)
