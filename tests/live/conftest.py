"""What the tests of the live path share: a server, and no connection that outlives its test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from channels.db import database_sync_to_async
from django.db import connections

from tests.servers import server, valkey

__all__ = ["server", "valkey"]


@pytest.fixture(autouse=True)
async def leave_no_connection(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The thread in which the sockets ask the database keeps its connection, which would keep a test database from being dropped."""
    yield
    if request.node.get_closest_marker("django_db"):
        await database_sync_to_async(connections.close_all)()
