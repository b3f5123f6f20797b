"""One shared reader per run and process: it follows the run's stream, fills what is missing from the database, and hands it out.

Every watcher gets every update once, in order, from its own cursor on. The stream only makes it quick: whatever it
lost (a message, a restart, all of it) shows as a cursor that is not the next one, or at the latest in the look into the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from channels.db import database_sync_to_async
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dashboard.live import frames
from dashboard.live.backlog import Backlog, Frame, a_message
from dashboard.live.publish import FRAME, cursor_of, position_of, stream_of
from dashboard.live.replay import updates_after
from dashboard.redis import BLOCK_S, reading_client
from dashboard.runs.models import Run

log = logging.getLogger(__name__)

CHECK_S = 2.0
MAX_MESSAGES = 16
BATCH, PAGE = 64, 16
# Sending to one page costs the process some 25 us. A pause that grows with the watchers keeps them all below a quarter of a core.
PAUSE_PER_WATCHER_S = 0.00015
LONGEST_PAUSE_S = 0.1


class Feed:
    """The updates of one run, as long as somebody watches."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.num_watchers = 0
        self.backlog = Backlog(0)
        self.server: Redis | None = None
        self.begun, self.news = asyncio.Event(), asyncio.Event()
        self.messages: dict[int, tuple[list[Frame], bytes]] = {}
        self.readings: dict[int, asyncio.Task[list[Frame]]] = {}
        self.task = asyncio.create_task(self.run(), name=f"feed of run {run_id}")

    # --- for watchers ----------------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The newest update that was handed out."""
        return self.backlog.cursor

    async def after(self, cursor: int) -> tuple[list[Frame], bytes]:
        """Returns the next frames behind a cursor, and the bytes of all of them; waits for one. The same list for all who ask."""
        while True:
            while self.cursor <= cursor:
                await self.news.wait()
            if known := self.messages.get(cursor):
                return known
            if len(self.messages) >= MAX_MESSAGES:
                self.messages.clear()
            if found := self.backlog.after(cursor):
                message = self.messages[cursor] = found, b"".join(frame.data for frame in found)
                return message
            if found := a_message(await self.read_back(cursor)):
                return found, b"".join(frame.data for frame in found)
            await asyncio.sleep(CHECK_S)  # the run is no more, or its database is another one

    async def read_back(self, cursor: int) -> list[Frame]:
        """What is not in memory any more, from the stream, else from the database: one reading for all who lack the same."""
        if cursor not in self.readings:
            self.readings[cursor] = reading = asyncio.create_task(self.read_stream_or_database(cursor))
            reading.add_done_callback(lambda _: self.readings.pop(cursor, None))
        return await asyncio.shield(self.readings[cursor])

    async def read_stream_or_database(self, cursor: int) -> list[Frame]:
        with contextlib.suppress(RedisError, OSError):
            if self.server and (entries := await self.from_stream(self.server, cursor)):
                return entries
        found: list[Frame] = await from_database(self.run_id, cursor)
        return found

    async def from_stream(self, server: Redis, cursor: int) -> list[Frame]:
        """The entries that follow a cursor without a gap."""
        found: Any = await server.xrange(stream_of(self.run_id), min=position_of(cursor + 1), count=PAGE)
        entries = [Frame(fields[FRAME.encode()]) for _, fields in found]
        return [entry for place, entry in enumerate(entries, cursor + 1) if entry.cursor == place]

    # --- the reader ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            try:
                await self.follow()
            except (RedisError, OSError) as error:
                log.warning("the stream of run %s cannot be read: %s", self.run_id, error)
            except Error as error:
                log.warning("the database does not answer: %s", error)
            except Exception:
                log.exception("the stream of run %s is not what it should be", self.run_id)
            self.server = None
            await self.look_by_itself()

    async def follow(self) -> None:
        """Reads the stream behind the last update; what came before stands in the database."""
        async with contextlib.aclosing(reading_client()) as server:
            newest: Any = await server.xrevrange(stream_of(self.run_id), count=1)
            await self.begin()
            if newest and cursor_of(newest[0][0]) > self.cursor:
                # Updates are published after they are committed: this stream is not of this database.
                await server.delete(stream_of(self.run_id))
            self.server = server
            while True:
                await self.read(server)

    async def begin(self) -> None:
        """The first time from the newest update on, for watchers catch up by themselves; later from where the feed was."""
        if self.begun.is_set():
            await self.fill()
        else:
            self.backlog = Backlog(await newest_cursor(self.run_id))
            self.begun.set()

    async def read(self, server: Redis) -> None:
        place: dict[Any, Any] = {stream_of(self.run_id): position_of(self.cursor)}
        found: Any = await server.xread(place, count=BATCH, block=BLOCK_S * 1000)
        if not found:
            await self.fill()
        for _, entries in found:
            for _, fields in entries:
                await self.take(Frame(fields[FRAME.encode()]))
        await self.hand_out()

    async def take(self, frame: Frame) -> None:
        if frame.cursor > self.cursor + 1:
            await self.fill()
        if frame.cursor == self.cursor + 1:
            self.backlog.add(frame)

    async def fill(self) -> None:
        """Hands out what the database has beyond the last update: one reading for all watchers."""
        if await newest_cursor(self.run_id) <= self.cursor:
            return
        while found := await from_database(self.run_id, self.cursor):
            for frame in found:
                self.backlog.add(frame)
            await self.hand_out()

    async def look_by_itself(self) -> None:
        """Without a stream the database alone still moves the page, only slower."""
        try:
            await self.begin()
        except Error as error:
            log.warning("the database does not answer: %s", error)
        await asyncio.sleep(CHECK_S)

    async def hand_out(self) -> None:
        """Wakes the watchers, and gives them time: what comes meanwhile is handed out in one message."""
        self.messages.clear()
        news, self.news = self.news, asyncio.Event()
        news.set()
        await asyncio.sleep(min(PAUSE_PER_WATCHER_S * self.num_watchers, LONGEST_PAUSE_S))


@database_sync_to_async
def newest_cursor(run_id: int) -> int:
    """0 for a run that is no more."""
    return Run.objects.filter(pk=run_id).values_list("cursor", flat=True).first() or 0


@database_sync_to_async
def from_database(run_id: int, cursor: int) -> list[Frame]:
    return [Frame(frames.encode(update)) for update in updates_after(run_id, cursor)]


feeds: dict[int, Feed] = {}


@contextlib.asynccontextmanager
async def watching(run_id: int) -> AsyncIterator[Feed]:
    """Joins the run's feed: every update that the database does not have yet will come by it. The last to leave ends it."""
    feed = feed_of(run_id)
    feed.num_watchers += 1
    try:
        await feed.begun.wait()
        yield feed
    finally:
        feed.num_watchers -= 1
        if not feed.num_watchers:
            feed.task.cancel()
            if feeds.get(run_id) is feed:
                del feeds[run_id]


def feed_of(run_id: int) -> Feed:
    feed = feeds.get(run_id)
    if feed is None or feed.task.done() or feed.task.get_loop() is not asyncio.get_running_loop():
        feed = feeds[run_id] = Feed(run_id)
    return feed
