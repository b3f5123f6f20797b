"""One shared reader per process that tells list pages when any run moved."""

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


class Pulse:
    """Rings the bell of every watcher. Nothing hangs on it: they also look by themselves now and then."""

    def __init__(self) -> None:
        self.bells: set[asyncio.Event] = set()
        self.task = asyncio.create_task(self.run(), name="pulse")

    async def run(self) -> None:
        while True:
            try:
                await self.follow()
            except (RedisError, OSError) as error:
                log.warning("the overview stream cannot be read: %s", error)
                await asyncio.sleep(BACK_OFF_S)

    async def follow(self) -> None:
        position = "$"
        async with contextlib.aclosing(reading_client()) as server:
            while True:
                found: Any = await server.xread({OVERVIEW: position}, block=BLOCK_S * 1000)
                for _, entries in found:
                    position = entries[-1][0]
                    self.ring()

    def ring(self) -> None:
        for bell in self.bells:
            bell.set()


pulses: list[Pulse] = []


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[asyncio.Event]:
    """Joins the pulse; the last one to leave ends it."""
    pulse, bell = beating(), asyncio.Event()
    pulse.bells.add(bell)
    try:
        yield bell
    finally:
        pulse.bells.discard(bell)
        if not pulse.bells:
            pulse.task.cancel()


def beating() -> Pulse:
    """Returns this process's pulse; one whose loop has ended, or that was cancelled, makes room for another."""
    if not pulses or pulses[0].task.done() or pulses[0].task.cancelling() or pulses[0].task.get_loop() is not asyncio.get_running_loop():
        pulses[:] = [Pulse()]
    return pulses[0]
