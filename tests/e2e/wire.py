"""The network between a browser and the web server, which a test may cut: connections end, and new ones are refused, until it is mended."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Wire:
    """Forwards a free port of the loopback interface to another one, in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.is_cut = False
        self.writers: set[asyncio.StreamWriter] = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="wire", daemon=True)

    def start(self) -> None:
        self.thread.start()
        self.server = self.wait_for(asyncio.start_server(self.join, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def wait_for(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            return abort(writer)
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return abort(writer)
        self.writers |= {writer, there_writer}
        await asyncio.gather(self.carry(reader, there_writer), self.carry(there_reader, writer))
        self.writers -= {writer, there_writer}
        return None

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        self.loop.call_soon_threadsafe(lambda: [abort(writer) for writer in self.writers])

    def mend(self) -> None:
        self.is_cut = False

    def stop(self) -> None:
        self.cut()
        self.wait_for(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def close(self) -> None:
        """Lets the connections that were cut come to their end."""
        self.server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


def abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
