"""Sends what a committed transaction changed to the run's stream. The database is the truth: a lost message costs nothing."""

import logging
from typing import Any

from redis.exceptions import RedisError

from dashboard.live.messages import Update
from dashboard.redis import client

log = logging.getLogger(__name__)

STREAM_LENGTH = 2_000
OVERVIEW = "anneal:overview"


def stream_of(run_id: int) -> str:
    return f"anneal:run:{run_id}"


def publish(update: Update, project_id: int) -> None:
    """Appends the update to its run's stream and tells the overview that the run moved."""
    try:
        with client().pipeline(transaction=False) as pipe:
            fields: dict[Any, Any] = {"cursor": update.cursor, "update": update.to_json()}
            pipe.xadd(stream_of(update.run_id), fields, maxlen=STREAM_LENGTH, approximate=True)
            pipe.xadd(OVERVIEW, {"run": update.run_id, "project": project_id}, maxlen=STREAM_LENGTH, approximate=True)
            pipe.execute()
    except (RedisError, OSError) as error:
        log.warning("update %s of run %s was not published: %s", update.cursor, update.run_id, error)
