"""A real Valkey for the tests that need one: started once, emptied for each, and killed where a test wants that."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as client
from django.test import override_settings

from dashboard.redis import client_of, url_file
from dashboard.start import embedded


class Server:
    """The embedded server, as `manage.py up` runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with override_settings(DATA_DIR=folder):
            self.command = embedded.configure()
            self.url = url_file().read_text()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with override_settings(DATA_DIR=self.folder):
            embedded.wait_until_ready()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def empty(self) -> None:
        with client.Redis.from_url(self.url) as connected:
            connected.flushall()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("valkey"))
    yield found
    found.kill()


@pytest.fixture
def valkey(server: Server, settings) -> Iterator[Server]:
    """An empty server that the dashboard and the workers of this test use; one that the test killed is started again."""
    if server.process.poll() is not None:
        server.start()
    server.empty()
    settings.REDIS_URL = server.url
    yield server
    client_of(server.url).connection_pool.disconnect()
