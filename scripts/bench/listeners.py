"""`python -m scripts.bench.listeners URL NUMBER`: so many pages on one run's websocket, each of which notes what came when.

They speak just enough of the protocol to cost little beside the server. Every frame that a socket gets is noted with the clock; the first
socket keeps the frames themselves. Ends when its standard input closes, and writes arrays in NumPy's format to its standard output.
"""

from __future__ import annotations

import asyncio
import io
import os
import struct
import sys
import time
import urllib.parse
from array import array
from typing import Any

import numpy as np

FRAME = struct.Struct("<4sBBHIIQd")
BINARY, CLOSE, PING = 2, 8, 9
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", KEY, "", ""]


class Listener(asyncio.Protocol):
    """`cursors` and `times` of all frames, in the order they came; `frames` where they are kept."""

    def __init__(self, path: str, host: str, cookie: str, *, keeps: bool) -> None:
        self.path, self.host, self.cookie, self.keeps = path, host, cookie, keeps
        self.data, self.joined, self.is_lost = b"", asyncio.Event(), False
        self.cursors, self.times, self.num_bytes, self.num_messages = array("q"), array("d"), 0, 0
        self.frames: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {self.host}", f"Origin: http://{self.host}", f"Cookie: {self.cookie}", *UPGRADE]
        transport.write("\r\n".join(lines).encode())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.num_bytes += len(data)
        self.data = self.data + data if self.data else data
        if not self.joined.is_set():
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return
            self.data = rest
            self.is_lost = not head.startswith(b"HTTP/1.1 101")
            self.joined.set()
        while message := self.message():
            self.note(*message, now)

    def message(self) -> tuple[int, bytes] | None:
        """Takes the next whole message: the server neither masks nor divides them."""
        if len(self.data) < 2:
            return None
        size, start = self.data[1], 2
        if size == 126:
            size, start = int.from_bytes(self.data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(self.data[2:10], "big"), 10
        if len(self.data) < start + size:
            return None
        kind, content, self.data = self.data[0] & 15, self.data[start : start + size], self.data[start + size :]
        return kind, content

    def note(self, kind: int, content: bytes, now: float) -> None:
        if kind == PING:
            self.transport.write(bytes([0x8A, 0x80 | len(content)]) + bytes(4) + content)
        elif kind == CLOSE:
            self.is_lost = True
        elif kind == BINARY:
            self.num_messages += 1
            at = 0
            while at < len(content):
                *_, size, _, cursor, _ = FRAME.unpack_from(content, at)
                self.cursors.append(cursor)
                self.times.append(now)
                at += size
            if self.keeps:
                self.frames.append(content)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


async def main() -> None:
    url, number = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
    listeners = [Listener(f"{url.path}?{url.query}", url.netloc, os.environ["COOKIE"], keeps=not place) for place in range(number)]
    for each in listeners:
        await asyncio.get_running_loop().create_connection(lambda each=each: each, url.hostname, url.port)  # type: ignore[misc]
    await asyncio.gather(*(each.joined.wait() for each in listeners))
    sys.stdout.buffer.write(b"joined\n")
    sys.stdout.buffer.flush()
    await asyncio.to_thread(sys.stdin.read)
    sys.stdout.buffer.write(told(listeners))
    sys.stdout.buffer.flush()
    os._exit(0)


def told(listeners: list[Listener]) -> bytes:
    """`frames` of the first, and of each its `cursors-N` and `times-N`, and in `counts` its messages and whether it was lost."""
    found = {"frames": np.frombuffer(b"".join(listeners[0].frames), np.uint8)}
    found["counts"] = np.array([(each.num_messages, each.is_lost) for each in listeners])
    for place, each in enumerate(listeners):
        found |= {f"cursors-{place}": np.array(each.cursors), f"times-{place}": np.array(each.times)}
    file = io.BytesIO()
    np.savez(file, **found)
    return file.getvalue()


if __name__ == "__main__":
    asyncio.run(main())
