"""Deletes what nobody wants to keep: what was cut short, and, where the settings say so, runs that ended long ago."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import Error, connection

from dashboard.registry.leftovers import remove_leftovers
from dashboard.runs.deletion import hide, outlived, remove, unfinished
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Run

log = logging.getLogger(__name__)

EVERY_S = 300.0


def keep_pruning(ended: threading.Event) -> None:
    """Runs in a thread of its own, because a large run takes longer than a heartbeat may be late."""
    while not ended.wait(EVERY_S):
        try:
            prune(ended)
        except Error as error:
            log.warning("the database does not answer: %s", error)
        except Exception:
            log.exception("runs cannot be deleted")
        connection.close()


def prune(ended: threading.Event) -> None:
    remove_leftovers()
    due = outlived(settings.RETENTION_DAYS) if settings.RETENTION_DAYS else []
    for run in [*unfinished(), *(run for run in due if may_go(run))]:
        log.info("run %s is deleted", run.pk)
        for _ in remove(run):
            if ended.is_set():
                return


def may_go(run: Run) -> bool:
    """Of several workers that look at the same time, one deletes it."""
    try:
        return hide(run)
    except WrongState:
        return False
