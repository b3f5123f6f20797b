"""Tells the process's overview when any run moved."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from redis.exceptions import RedisError

from dashboard.live.publish import OVERVIEW
from dashboard.redis import BLOCK_S, reading_client

log = logging.getLogger(__name__)

BACK_OFF_S = 2.0
# Many runs move all the time: what they say meanwhile is one ring.
PAUSE_S = 0.25


@contextlib.asynccontextmanager
async def listening(bell: asyncio.Event) -> AsyncIterator[None]:
    """Sets the event whenever a run moved. Nothing hangs on it: the overview also looks by itself now and then."""
    task = asyncio.create_task(ring(bell), name="pulse")
    try:
        yield
    finally:
        task.cancel()


async def ring(bell: asyncio.Event) -> None:
    while True:
        try:
            await follow(bell)
        except (RedisError, OSError) as error:
            log.warning("the overview stream cannot be read: %s", error)
            await asyncio.sleep(BACK_OFF_S)


async def follow(bell: asyncio.Event) -> None:
    position: Any = "$"
    async with contextlib.aclosing(reading_client()) as server:
        while True:
            found: Any = await server.xread({OVERVIEW: position}, block=BLOCK_S * 1000)
            for _, entries in found:
                position = entries[-1][0]
                bell.set()
            await asyncio.sleep(PAUSE_S)
