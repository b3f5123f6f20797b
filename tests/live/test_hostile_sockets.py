"""Two million points in a burst through the whole of Anneal, beside sockets that never read, that shout, and that send too much."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from scripts.bench.stack import Stack, wait_for
from scripts.bench.watchers import Listeners, points_of, written_in

Connect = Callable[[str], socket.socket]
STEPS = 500_000  # of three metrics, and the wall clock of each
MAX_GROWTH = 64 * 2**20
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(pace=100_000, burst=1_000) as found:
        yield found


@pytest.fixture
def connect(stack: Stack) -> Iterator[Connect]:
    """Opens a socket that has been let in and has read nothing since."""
    with ExitStack() as opened:

        def connect(path: str) -> socket.socket:
            found = opened.enter_context(socket.create_connection(("127.0.0.1", stack.port), 30))
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            host, cookie = f"127.0.0.1:{stack.port}", stack.cookie()
            found.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n{UPGRADE}\r\n".encode())
            assert found.recv(12) == b"HTTP/1.1 101"
            return found

        yield connect


def frame(kind: int, content: bytes) -> bytes:
    """A masked frame with a mask of zeros, as long as it says."""
    return bytes([0x80 | kind, 0x80 | 127]) + len(content).to_bytes(8, "big") + bytes(4) + content


def shout(loud: socket.socket) -> None:
    for _ in range(2):
        loud.sendall(frame(2, os.urandom(10 * 2**20)))
        time.sleep(0.5)


def memory(stack: Stack) -> int:
    return psutil.Process(stack.web.pid).memory_info().rss


def test_two_million_points_reach_who_reads_and_cost_little_for_who_does_not(stack: Stack, connect: Connect) -> None:
    stack.worker.send_signal(signal.SIGSTOP)  # until all have joined
    run = stack.queue(STEPS)
    before = memory(stack)
    for form in ("json", "json", "json", "binary", "binary"):
        connect(f"/ws/runs/{run}/?after=0&format={form}")
    listeners = Listeners(stack, run, 3, 0)
    stack.worker.send_signal(signal.SIGCONT)
    peak = before

    def is_over() -> bool:
        nonlocal peak
        peak = max(peak, memory(stack))
        return bool(stack.ask(f"runs/{run}/stages")["items"][0]["last_step"] == STEPS)

    wait_for(is_over)
    newest = stack.ask(f"runs/{run}/series?metric=train/loss&max_points=2")["cursor"]
    time.sleep(3)
    heard = listeners.end()
    (file,) = stack.folder.glob(f"runs/{run}/job-1/attempt-1/events.jsonl")
    got, written = points_of(heard.frames), written_in(file)
    assert {metric: len(column) for metric, column in got.items()} == dict.fromkeys(written, STEPS)
    assert all((got[metric] == column).all() for metric, column in written.items())
    assert [list(cursors)[-1] for cursors, _ in heard.moments] == [newest] * 3
    print(f"the web process grew by {(peak - before) / 2**20:.1f} MiB")
    assert peak - before < MAX_GROWTH


def test_a_frame_of_ten_megabytes_ends_the_socket_and_nothing_else(stack: Stack, connect: Connect) -> None:
    run = stack.ask("runs")["items"][0]["id"]
    newest = stack.ask(f"runs/{run}/series?metric=train/loss&max_points=2")["cursor"]
    loud, other = connect(f"/ws/runs/{run}/?after={newest}"), connect(f"/ws/runs/{run}/?after={newest}")
    before = memory(stack)
    with pytest.raises(OSError, match=r"reset|pipe"):
        shout(loud)
    assert memory(stack) - before < 32 * 2**20
    other.sendall(frame(1, b"still here"))
    assert other.recv(100)


def test_a_socket_of_a_foreign_page_or_without_a_session_learns_nothing(stack: Stack) -> None:
    host = f"127.0.0.1:{stack.port}"
    not_signed_in = (4401).to_bytes(2, "big")
    foreign, anonymous = (
        ("https://elsewhere.example", stack.cookie(), b" 403 ", b"\r\n\r\n"),
        (f"http://{host}", "", b" 101 ", not_signed_in),
    )
    for origin, cookie, expected, code in (foreign, anonymous):
        with socket.create_connection(("127.0.0.1", stack.port), 30) as found:
            request = f"GET /ws/runs/1/ HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n{UPGRADE}\r\n"
            found.sendall(request.encode())
            data = b""
            while code not in data and (part := found.recv(4096)):
                data += part
            assert data.startswith(b"HTTP/1.1" + expected)
            assert code in data
