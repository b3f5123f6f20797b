"""`manage.py up`: what it says, what it heals, and that it leaves nothing behind."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.processes import Anneal, processes, wait_for

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes through /proc")


@pytest.fixture
def anneal(tmp_path: Path) -> Iterator[Anneal]:
    found = Anneal(tmp_path / "var")
    yield found
    if hasattr(found, "process") and found.process.poll() is None:
        found.stop(signal.SIGTERM)


def all_gone(pids: set[int]) -> bool:
    return not pids & processes().keys()


def server_of(anneal: Anneal) -> redis.Redis:
    return redis.Redis.from_url((anneal.folder / "valkey" / "url").read_text(), decode_responses=True)


def test_it_starts_heals_and_stops(anneal: Anneal) -> None:
    anneal.start()
    said = "".join(anneal.lines)
    assert f"Anneal is ready: {anneal.address}" in said
    assert re.search(r"First login: admin\nPassword: +\S{12,}", said)
    assert anneal.answers()

    anneal.kill("uvicorn")
    wait_for(lambda: not anneal.answers())
    wait_for(anneal.answers)

    url = (anneal.folder / "valkey" / "url").read_text()
    anneal.kill("valkey")
    wait_for(anneal.answers)
    assert (anneal.folder / "valkey" / "url").read_text() == url

    first = anneal.pid_of("-m workers")
    anneal.kill("-m workers")
    wait_for(lambda: anneal.pid_of("-m workers") != first)
    wait_for(anneal.answers)

    second = anneal.manage("up")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1 and "already runs" in second.stderr

    children = set(anneal.children())
    assert anneal.stop(signal.SIGINT) == 0
    assert all_gone(children)


def test_a_killed_supervisor_leaves_nothing_behind_and_starts_again(anneal: Anneal) -> None:
    anneal.start()
    with server_of(anneal) as server:
        server.set("kept", "1")
        wait_for(lambda: server.info("persistence")["aof_pending_bio_fsync"] == 0)
    children = set(anneal.children())
    anneal.stop(signal.SIGKILL)
    wait_for(lambda: all_gone(children))
    anneal.start()
    assert "Password" not in "".join(anneal.lines)
    with server_of(anneal) as server:
        assert server.get("kept") == "1"


def test_a_port_in_use_is_one_clear_line(anneal: Anneal) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", anneal.port))
        other.listen()
        found = anneal.manage("up")
    assert found.returncode == 1
    assert found.stderr == (
        f"CommandError: Port {anneal.port} on 127.0.0.1 is in use. Stop what listens there, or set ANNEAL_PORT to another one.\n"
    )


def test_the_embedded_server_wants_a_password_and_listens_to_this_machine_alone(anneal: Anneal) -> None:
    anneal.start()
    folder = anneal.folder / "valkey"
    port = int((folder / "url").read_text().rpartition(":")[2].removesuffix("/0"))
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert "bind 127.0.0.1\n" in (folder / "valkey.conf").read_text()
    assert [(folder / name).stat().st_mode & 0o077 for name in ("url", "valkey.conf")] == [0, 0]


def test_a_token_is_for_people_who_exist(anneal: Anneal) -> None:
    assert anneal.manage("migrate", "--verbosity", "0").returncode == 0
    refused = anneal.manage("token", "nobody")
    assert (refused.returncode, refused.stderr) == (1, "CommandError: There is no active user named nobody.\n")
