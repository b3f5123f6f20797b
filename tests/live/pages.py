"""A page that listens: a websocket with a signed-in person's cookie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client

from dashboard.accounts.models import User
from dashboard.asgi import application
from dashboard.runs import lifecycle
from dashboard.runs.models import Run
from dashboard.runs.timeline import write_event

PATIENCE_S = 20
OWN_ORIGIN = "http://localhost"


class Page:
    def __init__(self, path: str, cookie: str = "", origin: str = OWN_ORIGIN) -> None:
        address, _, query = path.partition("?")
        headers = [(b"origin", origin.encode()), (b"cookie", cookie.encode()), (b"host", b"localhost")]
        scope = {"type": "websocket", "path": address, "query_string": query.encode(), "headers": headers, "subprotocols": []}
        self.socket = ApplicationCommunicator(application, scope)

    async def connect(self) -> bool:
        await self.socket.send_input({"type": "websocket.connect"})
        answer = await self.socket.receive_output(PATIENCE_S)
        return bool(answer["type"] == "websocket.accept")

    async def leave(self) -> None:
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(PATIENCE_S)

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self.socket.receive_output(PATIENCE_S))["text"])
        return message

    async def receive_until(self, cursor: int) -> list[int]:
        """Returns the cursors of the updates up to this one, in the order they came."""
        cursors: list[int] = []
        while not cursors or cursors[-1] < cursor:
            message = await self.receive()
            if message["type"] == "update":
                cursors.append(message["cursor"])
        return cursors

    async def receive_joined(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Returns the updates that were caught up, and the message that says so."""
        updates = []
        while (message := await self.receive())["type"] != "joined":
            updates.append(message)
        return updates, message

    async def close_code(self) -> int:
        """Waits until the server closes the socket."""
        while True:
            message = await self.socket.receive_output(PATIENCE_S)
            if message["type"] == "websocket.close":
                return int(message["code"])


@database_sync_to_async
def cookie_of(user: User) -> str:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


@asynccontextmanager
async def opened(path: str, user: User | None = None) -> AsyncIterator[Page]:
    page = Page(path, await cookie_of(user) if user else "")
    assert await page.connect()
    try:
        yield page
    finally:
        await page.leave()


@asynccontextmanager
async def watching_run(run: Run, user: User, after: int | str = 0) -> AsyncIterator[Page]:
    async with opened(f"/ws/runs/{run.pk}/?after={after}", user) as page:
        yield page


@database_sync_to_async
def move(run: Run, times: int = 1) -> int:
    """Changes the run so often, a transaction each; returns its cursor."""
    for number in range(times):
        with lifecycle.changing(run.pk) as update:
            write_event(update, "warned", message=f"change {number}")
    return update.cursor
