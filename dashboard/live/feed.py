"""One shared reader per run and process: it follows the run's stream, fills what is missing from the database, and hands it out.

Every mailbox gets every update once, in order, from the moment it joined. The stream only makes it quick: whatever it
lost (a message, a restart, all of it) shows as a cursor that is not the next one, or at the latest in the look into the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dashboard.live.publish import stream_of
from dashboard.live.replay import updates_after
from dashboard.redis import BLOCK_S, reading_client
from dashboard.runs.models import Run

log = logging.getLogger(__name__)

CHECK_S = 2.0
BATCH = 200
MAILBOX_SIZE = 500


@dataclass(eq=False)
class Mailbox:
    """What a watcher has not taken yet: (cursor, JSON) in order. An overflow leaves one entry without text: read the database."""

    size: int = MAILBOX_SIZE
    entries: asyncio.Queue[tuple[int, str | None]] = field(default_factory=asyncio.Queue)

    def put(self, cursor: int, text: str | None) -> None:
        if self.entries.qsize() >= self.size:
            while not self.entries.empty():
                self.entries.get_nowait()
            text = None
        self.entries.put_nowait((cursor, text))


class Feed:
    """The updates of one run, as long as somebody watches. `cursor` is the last one handed out."""

    def __init__(self, run_id: int) -> None:
        self.run_id, self.cursor, self.position = run_id, 0, "0-0"
        self.watchers: set[Mailbox] = set()
        self.joined = asyncio.Event()
        self.task = asyncio.create_task(self.run(), name=f"feed of run {run_id}")

    async def run(self) -> None:
        while True:
            try:
                await self.follow()
            except (RedisError, OSError) as error:
                log.warning("the stream of run %s cannot be read: %s", self.run_id, error)
            except Error as error:
                log.warning("the database does not answer: %s", error)
            await self.look_by_itself()

    async def follow(self) -> None:
        """Reads the stream from its present end on; what came before stands in the database."""
        async with contextlib.aclosing(reading_client()) as server:
            newest: Any = await server.xrevrange(stream_of(self.run_id), count=1)
            self.position = newest[0][0] if newest else "0-0"
            await self.begin()
            while True:
                await self.read(server)

    async def begin(self) -> None:
        """The first time from the newest update on, for watchers catch up by themselves; later from where the feed was."""
        if self.joined.is_set():
            await self.fill()
        else:
            self.cursor = await newest_cursor(self.run_id)
            self.joined.set()

    async def read(self, server: Redis) -> None:
        found: Any = await server.xread({stream_of(self.run_id): self.position}, count=BATCH, block=BLOCK_S * 1000)
        if not found:
            await self.fill()
        for _, entries in found:
            for self.position, fields in entries:
                await self.take(int(fields["cursor"]), fields["update"])

    async def take(self, cursor: int, text: str) -> None:
        if cursor == self.cursor + 1:
            self.hand_out(cursor, text)
        elif cursor > self.cursor:
            await self.fill()

    async def fill(self) -> None:
        """Hands out what the database has beyond the last update: one reading for all watchers."""
        if await newest_cursor(self.run_id) > self.cursor:
            for update in await database_sync_to_async(updates_after)(self.run_id, self.cursor):
                self.hand_out(update.cursor, update.to_json())

    async def look_by_itself(self) -> None:
        """Without a stream the database alone still moves the page, only slower."""
        try:
            await self.begin()
        except Error as error:
            log.warning("the database does not answer: %s", error)
        await asyncio.sleep(CHECK_S)

    def hand_out(self, cursor: int, text: str) -> None:
        self.cursor = cursor
        for watcher in self.watchers:
            watcher.put(cursor, text)


@database_sync_to_async
def newest_cursor(run_id: int) -> int:
    """0 for a run that is no more."""
    return Run.objects.filter(pk=run_id).values_list("cursor", flat=True).first() or 0


feeds: dict[int, Feed] = {}


@contextlib.asynccontextmanager
async def watching(run_id: int) -> AsyncIterator[Mailbox]:
    """Joins the run's feed: every update that the database does not have yet will come by the mailbox. The last to leave ends it."""
    feed = feed_of(run_id)
    mailbox = Mailbox()
    feed.watchers.add(mailbox)
    try:
        await feed.joined.wait()
        yield mailbox
    finally:
        feed.watchers.discard(mailbox)
        if not feed.watchers:
            feed.task.cancel()
            if feeds.get(run_id) is feed:
                del feeds[run_id]


def feed_of(run_id: int) -> Feed:
    feed = feeds.get(run_id)
    if feed is None or feed.task.done() or feed.task.get_loop() is not asyncio.get_running_loop():
        feed = feeds[run_id] = Feed(run_id)
    return feed
