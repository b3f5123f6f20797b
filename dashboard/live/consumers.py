"""The websockets: a run's updates without gap or duplicate, and the overview of all runs a person may see."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.sessions.backends.base import SessionBase
from django.db import Error

from dashboard.accounts import access
from dashboard.accounts.models import User
from dashboard.live.feed import Mailbox, newest_cursor, watching
from dashboard.live.messages import joined
from dashboard.live.overview import overview
from dashboard.live.pulse import listening
from dashboard.live.replay import num_points, updates_after

log = logging.getLogger(__name__)

NOT_SIGNED_IN, NOT_ALLOWED, NOT_FOUND, BAD_REQUEST, FAULT = 4401, 4403, 4404, 1008, 1011
CHECK_ACCESS_S = 4.0
OVERVIEW_S = 1.0
LOOK_S = 5.0
LARGEST_CURSOR = 2**63 - 1


class Watcher(AsyncWebsocketConsumer):
    """A socket that only sends: one task pumps until the page leaves, another asks again and again whether it may."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        """A refusal comes after the handshake: only then does a browser learn the close code."""
        self.tasks: list[asyncio.Task[None]] = []
        await self.accept()
        if refusal := await self.refusal():
            await self.close(refusal)
        else:
            self.tasks = [asyncio.create_task(self.guarded(work)) for work in (self.pump(), self.guard())]

    async def guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """A page that has left is no error; any other fault ends the socket, and the page comes back by itself."""
        try:
            await work
        except OSError:
            log.debug("the page has left")
        except Exception:
            log.exception("the websocket is closed")
            with contextlib.suppress(OSError, RuntimeError):
                await self.close(FAULT)

    async def guard(self) -> None:
        while True:
            await asyncio.sleep(CHECK_ACCESS_S)
            with contextlib.suppress(Error):
                if refusal := await self.refusal():
                    await self.close(NOT_ALLOWED if refusal == NOT_FOUND else refusal)
                    return

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()

    async def refusal(self) -> int:
        """Returns the close code that keeps this person out, 0 for none."""
        self.user = await present_user(self.scope)
        return 0 if self.user else NOT_SIGNED_IN

    async def pump(self) -> None:
        raise NotImplementedError


class RunConsumer(Watcher):
    """`/ws/runs/<id>/?after=<cursor>`"""

    async def refusal(self) -> int:
        self.run_id: int = self.scope["url_route"]["kwargs"]["run_id"]
        if refusal := await super().refusal():
            return refusal
        if not await may_watch(self.user, self.run_id):
            return NOT_FOUND
        return BAD_REQUEST if await self.after() is None else 0

    async def after(self) -> int | None:
        """Returns the cursor from which the page goes on, None for one that this run has never had."""
        given = parse_qs(self.scope["query_string"].decode(errors="replace"), keep_blank_values=True).get("after", ["0"])[-1]
        if not (given.isascii() and given.isdigit()) or int(given) > LARGEST_CURSOR:
            return None
        return int(given) if int(given) <= await newest_cursor(self.run_id) else None

    async def pump(self) -> None:
        """Joins the feed first and then catches up, so that nothing falls between."""
        async with watching(self.run_id) as mailbox:
            last, replayed = await self.catch_up(await self.after() or 0)
            await self.send(joined(last, replayed))
            await self.follow(mailbox, last)

    async def follow(self, mailbox: Mailbox, last: int) -> None:
        """Waiting for a slow page is what fills its mailbox."""
        while True:
            cursor, text = await mailbox.entries.get()
            if cursor == last + 1 and text is not None:
                await self.send(text)
                last = cursor
            elif cursor > last:
                last, _ = await self.catch_up(last)

    async def catch_up(self, last: int) -> tuple[int, int]:
        """Sends everything the database has after a cursor; returns the newest cursor and the number of points sent."""
        updates = await database_sync_to_async(updates_after)(self.run_id, last)
        for update in updates:
            await self.send(update.to_json())
        return (updates[-1].cursor if updates else last), num_points(updates)


class OverviewConsumer(Watcher):
    """`/ws/overview/`: the runs that moved, at most once a second."""

    async def pump(self) -> None:
        async with listening() as bell:
            shown: dict[int, dict[str, Any]] = {}
            while True:
                shown = await self.show_moved(shown)
                await asyncio.sleep(OVERVIEW_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), LOOK_S)
                bell.clear()

    async def show_moved(self, shown: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
        present = {summary["id"]: summary for summary in await database_sync_to_async(overview)(self.user)}
        moved = [summary for summary in present.values() if shown.get(summary["id"]) != summary]
        if moved:
            await self.send(json.dumps({"type": "overview", "runs": moved}))
        return present


@database_sync_to_async
def present_user(scope: dict[str, Any]) -> User | None:
    """The person behind the socket as the database knows them now; None once they have signed out or were switched off."""
    user, session = scope["user"], scope.get("session")
    if not user.is_authenticated or (isinstance(session, SessionBase) and signed_out(session)):
        return None
    return User.objects.filter(pk=user.pk, is_active=True).first()


def signed_out(session: SessionBase) -> bool:
    return not session.session_key or not session.exists(session.session_key)


@database_sync_to_async
def may_watch(user: User, run_id: int) -> bool:
    return access.runs(user).filter(pk=run_id).exists()
