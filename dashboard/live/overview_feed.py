"""One shared look at all runs that move, for every list page of this process: at most once a second, when one has moved."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator

from channels.db import database_sync_to_async
from django.db import Error

from dashboard.live.guard import Seat
from dashboard.live.overview import Summary, overview
from dashboard.live.pulse import listening

log = logging.getLogger(__name__)

OVERVIEW_S = 1.0
LOOK_S = 5.0


class OverviewFeed:
    """Knows each run's newest summary, and in which look it changed."""

    def __init__(self) -> None:
        self.seats: set[Seat] = set()
        self.look, self.projects = 0, frozenset[int]()
        self.runs: dict[int, tuple[int, Summary]] = {}
        self.changed_in: dict[int, int] = {}
        self.messages: dict[tuple[frozenset[int], int], str | None] = {}
        self.seen, self.wanted = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self.run(), name="overview")

    # --- for watchers ----------------------------------------------------------------------------------------------------

    async def after(self, seat: Seat, look: int) -> tuple[str, int]:
        """Returns what moved behind a look in the projects of this seat, and the newest look; waits until something did."""
        while True:
            while self.look <= look or not seat.projects <= self.projects:
                await self.seen.wait()
            if message := self.message(seat.projects, look):
                return message, self.look
            look = self.look

    def message(self, projects: frozenset[int], look: int) -> str | None:
        """Made once for all who may see the same and have seen the same."""
        key = (projects, look)
        if key not in self.messages:
            moved = [told for run_id, (project, told) in self.runs.items() if project in projects and self.changed_in[run_id] > look]
            self.messages[key] = json.dumps({"type": "overview", "runs": moved}) if moved else None
        return self.messages[key]

    # --- the look --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        async with listening(self.wanted):
            while True:
                self.wanted.clear()
                try:
                    await self.look_around()
                except Error as error:
                    log.warning("the database does not answer: %s", error)
                except Exception:
                    log.exception("the overview cannot be read")
                await asyncio.sleep(OVERVIEW_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wanted.wait(), LOOK_S)

    async def look_around(self) -> None:
        projects = frozenset(project for seat in self.seats for project in seat.projects)
        present = await database_sync_to_async(overview)(projects)
        self.look += 1
        self.changed_in = {
            run_id: self.changed_in.get(run_id, 0) if self.runs.get(run_id) == told else self.look for run_id, told in present.items()
        }
        self.runs, self.projects = present, projects
        self.messages.clear()
        seen, self.seen = self.seen, asyncio.Event()
        seen.set()


feeds: list[OverviewFeed] = []


@contextlib.asynccontextmanager
async def watching_all(seat: Seat) -> AsyncIterator[OverviewFeed]:
    """Joins this process's look; the last one to leave ends it."""
    feed = present_feed()
    feed.seats.add(seat)
    feed.wanted.set()
    try:
        yield feed
    finally:
        feed.seats.discard(seat)
        if not feed.seats:
            feed.task.cancel()


def present_feed() -> OverviewFeed:
    if not feeds or feeds[0].task.done() or feeds[0].task.cancelling() or feeds[0].task.get_loop() is not asyncio.get_running_loop():
        feeds[:] = [OverviewFeed()]
    return feeds[0]
