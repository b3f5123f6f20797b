"""A job of which nothing is worth keeping half done: its events, how it stops, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trainer.events import EventLog
from trainer.failures import explain
from trainer.narration import Narrator
from trainer.stopping import Stopped, stopping_at_once
from trainer.train import DONE, STOPPED

Work = Callable[[EventLog], None]


def run(folder: Path, work: Work, stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Returns the exit status of work that tells its events into the folder; asked to stop, it ends where it stands.

    Raises what the work raises, when it is told.
    """
    events = EventLog(folder, doorbell, Narrator().tell)
    try:
        with stopping_at_once(stop_asked):
            work(events)
    except Stopped:
        return STOPPED
    except Exception as error:
        message, reason = explain(error)
        events.emit("failed", message=message, reason=reason)
        raise
    finally:
        events.close()
    return DONE
