"""The websockets: a run's updates without gap or duplicate, and the overview of all runs a person may see."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from dashboard.accounts import access
from dashboard.accounts.models import User
from dashboard.live import guard
from dashboard.live.backlog import Frame
from dashboard.live.feed import Feed, watching
from dashboard.live.guard import NOT_FOUND, NOT_SIGNED_IN, Seat
from dashboard.live.messages import joined
from dashboard.live.overview_feed import watching_all
from dashboard.live.replay import num_points_between

log = logging.getLogger(__name__)

READ_AGAIN, BAD_REQUEST, FAULT = 4409, 1008, 1011
LARGEST_CURSOR = 2**63 - 1
# A page further behind reads its curves again by HTTP: that is one small answer, however much it missed.
MAX_CURSORS_BEHIND, MAX_POINTS_BEHIND = 5_000, 50_000
# A page has nothing to say. Some clients send a word now and then to keep the connection; more than that is a fault.
WORDS, WORDS_PER_S = 100, 1.0


class Refused(Exception):
    """`args` are the close code and the reason."""


class Watcher(AsyncWebsocketConsumer):
    """A socket that only sends: one task pumps until the page leaves; whether it may is asked now, and by the guard for all."""

    channel_layer_alias = "none"
    task: asyncio.Task[None] | None = None
    seat: Seat | None = None
    num_words = 0

    async def connect(self) -> None:
        """A refusal comes after the handshake: only then does a browser learn the close code."""
        await self.accept()
        self.connected_at = time.monotonic()
        try:
            self.seat = await self.admitted()
        except Refused as refused:
            await self.close(*refused.args)
            return
        guard.take(self.seat)
        self.task = asyncio.create_task(self.guarded(self.seat))

    async def guarded(self, seat: Seat) -> None:
        """A page that has left is no error; any other fault ends the socket, and the page comes back by itself."""
        try:
            await self.pump(seat)
        except Refused as refused:
            with contextlib.suppress(OSError, RuntimeError):
                await self.close(*refused.args)
        except OSError:
            log.debug("the page has left")
        except Exception:
            log.exception("the websocket is closed")
            with contextlib.suppress(OSError, RuntimeError):
                await self.close(FAULT)

    async def shut(self, code: int) -> None:
        """Closes the socket of somebody who may not watch any more."""
        if self.task:
            self.task.cancel()
        with contextlib.suppress(OSError, RuntimeError):
            await self.close(code)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.num_words += 1
        if self.num_words > WORDS + WORDS_PER_S * (time.monotonic() - self.connected_at):
            await self.shut(BAD_REQUEST)

    async def disconnect(self, code: int) -> None:
        if self.task:
            self.task.cancel()
        if self.seat:
            guard.leave(self.seat)

    async def admitted(self) -> Seat:
        """Raises Refused."""
        user, session = self.scope["user"], self.scope.get("session")
        if not user.is_authenticated or not user.is_active:
            raise Refused(NOT_SIGNED_IN, "sign in first")
        return Seat(user.pk, session.session_key if session else None, user.get_session_auth_hash(), None, self.shut)

    async def pump(self, seat: Seat) -> None:
        raise NotImplementedError


class RunConsumer(Watcher):
    """`/ws/runs/<id>/?after=<cursor>&format=binary`"""

    async def admitted(self) -> Seat:
        seat = await super().admitted()
        seat.run_id = self.scope["url_route"]["kwargs"]["run_id"]
        assert seat.run_id is not None
        newest = await cursor_for(self.scope["user"], seat.run_id)
        if newest is None:
            raise Refused(NOT_FOUND, "no such run")
        self.is_binary, self.after = asked_for(self.scope["query_string"], newest)
        return seat

    async def pump(self, seat: Seat) -> None:
        """Joins the feed first and then catches up, so that nothing falls between."""
        assert seat.run_id is not None
        async with watching(seat.run_id) as feed:
            await self.refuse_far_behind(feed, self.after)
            last, replayed, until = self.after, 0, feed.cursor
            while last < until:
                frames = await self.pass_on(feed, last)
                last, replayed = frames[-1].cursor, replayed + sum(frame.num_points for frame in frames)
            await self.send(joined(last, replayed))
            while True:
                if self.is_binary and not feed.backlog.holds(last):
                    await self.refuse_far_behind(feed, last)
                last = (await self.pass_on(feed, last))[-1].cursor

    async def pass_on(self, feed: Feed, last: int) -> list[Frame]:
        """Sends what comes next; waiting for a slow page holds up nobody else."""
        frames, data = await feed.after(last)
        if self.is_binary:
            await self.base_send({"type": "websocket.send", "bytes": data})
        else:
            for frame in frames:
                await self.base_send({"type": "websocket.send", "text": frame.text})
        return frames

    async def refuse_far_behind(self, feed: Feed, last: int) -> None:
        """Raises Refused for a page; a script gets everything, page by page."""
        if self.is_binary and not feed.backlog.holds(last):
            count = database_sync_to_async(num_points_between)
            if feed.cursor - last > MAX_CURSORS_BEHIND or await count(feed.run_id, last, feed.cursor) > MAX_POINTS_BEHIND:
                raise Refused(READ_AGAIN, "too far behind: read the curves again")


def asked_for(query: bytes, newest: int) -> tuple[bool, int]:
    """Returns whether frames are wanted, and the cursor from which the page goes on. Raises Refused."""
    given = parse_qs(query.decode(errors="replace"), keep_blank_values=True)
    form, after = given.get("format", ["json"])[-1], given.get("after", ["0"])[-1]
    if form not in ("json", "binary"):
        raise Refused(BAD_REQUEST, "format: json or binary")
    if not (after.isascii() and after.isdigit()) or len(after) > 20 or int(after) > LARGEST_CURSOR:
        raise Refused(BAD_REQUEST, "after: a cursor is a whole number from 0 on")
    if int(after) > newest:
        raise Refused(BAD_REQUEST, f"after: the newest cursor of this run is {newest}")
    return form == "binary", int(after)


@database_sync_to_async
def cursor_for(user: User, run_id: int) -> int | None:
    """The run's newest cursor; None for whoever may not see it."""
    return access.runs(user).filter(pk=run_id).values_list("cursor", flat=True).first()


class OverviewConsumer(Watcher):
    """`/ws/overview/`: the runs that moved, at most once a second."""

    async def admitted(self) -> Seat:
        seat = await super().admitted()
        await database_sync_to_async(guard.renew_projects)([seat])
        return seat

    async def pump(self, seat: Seat) -> None:
        async with watching_all(seat) as feed:
            look, projects = 0, seat.projects
            while True:
                message, look = await feed.after(seat, look if projects == seat.projects else 0)
                projects = seat.projects
                await self.send(message)
