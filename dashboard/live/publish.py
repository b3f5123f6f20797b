"""Sends what a committed transaction changed to the run's stream. The database is the truth: a lost message costs nothing."""

import logging
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from dashboard.live import frames
from dashboard.live.messages import Update
from dashboard.redis import client

log = logging.getLogger(__name__)

STREAM_LENGTH = 2_000
# Entries of a burst are large: the stream of one run takes about so much memory at most.
STREAM_BYTES = 16 * 2**20
# Then the stream of a run that has ended, or waits, goes: it takes memory of the server, and the database has all of it.
STREAM_S = 3600
FRAME = "f"
OVERVIEW = "anneal:overview"


def stream_of(run_id: int) -> str:
    return f"anneal:run:{run_id}"


def position_of(cursor: int) -> str:
    """The cursor is the entry's ID, so that the stream can be read from any cursor on."""
    return f"{cursor}-0"


def cursor_of(position: str | bytes) -> int:
    return int((position.decode() if isinstance(position, bytes) else position).partition("-")[0])


def publish(update: Update, project_id: int) -> None:
    """Appends the update to its run's stream and tells the overview that the run moved."""
    try:
        frame = frames.encode(update)
        with client().pipeline(transaction=False) as pipe:
            append(pipe, update, frame)
            pipe.xadd(OVERVIEW, {"run": update.run_id, "project": project_id}, maxlen=STREAM_LENGTH, approximate=True)
            appended, *_ = pipe.execute(raise_on_error=False)
        if isinstance(appended, ResponseError):
            replace_stale(update, frame)
        elif isinstance(appended, Exception):
            raise appended
    except (RedisError, OSError) as error:
        log.warning("update %s of run %s was not published: %s", update.cursor, update.run_id, error)


def append(server: redis.Redis, update: Update, frame: bytes) -> None:
    length = min(max(STREAM_BYTES // len(frame), 16), STREAM_LENGTH)
    server.xadd(stream_of(update.run_id), {FRAME: frame}, id=position_of(update.cursor), maxlen=length, approximate=True)
    server.expire(stream_of(update.run_id), STREAM_S)


def replace_stale(update: Update, frame: bytes) -> None:
    """An ID was refused: of two updates the newer one came first, and readers fill the gap. Or the stream is not this run's.

    The stream of a run that an emptied database had before goes on far above the cursor.
    """
    command = ("XREVRANGE", stream_of(update.run_id), "+", "-", "COUNT", 1)
    newest: Any = client().execute_command(*command, NEVER_DECODE=True)
    if newest and cursor_of(newest[0][0]) > update.cursor + STREAM_LENGTH // 2:
        forget(update.run_id)
        append(client(), update, frame)


def forget(run_id: int) -> None:
    """Deletes the stream of a run that is no more. Raises RedisError."""
    client().delete(stream_of(run_id))
