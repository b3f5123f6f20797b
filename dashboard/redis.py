"""How to reach the Valkey or Redis server: `REDIS_URL`, or the embedded server that `manage.py up` keeps in the data folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.retry import Retry

CONNECT_TIMEOUT_S = 2
TIMEOUT_S = 2
BLOCK_S = 2
# Longer than any blocking read: redis-py would take a quiet stream for a dead server.
BLOCKING_TIMEOUT_S = BLOCK_S + 5
MAX_WATCHED_STREAMS = 10_000


def url_file() -> Path:
    return settings.DATA_DIR / "valkey" / "url"


def url() -> str:
    """Raises redis.ConnectionError where no server was named and none was ever started."""
    if settings.REDIS_URL:
        return str(settings.REDIS_URL)
    try:
        return url_file().read_text().strip()
    except FileNotFoundError:
        raise NotConnected("no server: `manage.py up` starts one, REDIS_URL names another") from None


def client() -> redis.Redis:
    """The process's client for short commands. One silent retry: a pooled connection may have died with an earlier server."""
    return client_of(url())


@lru_cache(maxsize=4)
def client_of(address: str) -> redis.Redis:
    retry = Retry(NoBackoff(), 1, supported_errors=(NotConnected,))
    return redis.Redis.from_url(
        address, decode_responses=True, socket_timeout=TIMEOUT_S, socket_connect_timeout=CONNECT_TIMEOUT_S, retry=retry
    )


def waiting_client(timeout_s: float) -> redis.Redis:
    """A client of its own for one blocking read of at most `timeout_s` seconds; close it."""
    return redis.Redis.from_url(
        url(), decode_responses=True, socket_timeout=timeout_s + 5, socket_connect_timeout=CONNECT_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


def reading_client() -> redis.asyncio.Redis:
    """A client of its own for one stream reader of the running event loop; close it. It answers in bytes."""
    return redis.asyncio.Redis.from_url(
        url(),
        socket_timeout=BLOCKING_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        max_connections=MAX_WATCHED_STREAMS,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )
