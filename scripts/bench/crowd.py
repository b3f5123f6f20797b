"""`python -m scripts.bench.crowd URL NUMBER`: so many pages on one websocket address, which read and draw nothing.

The session comes as `COOKIE` in the environment. Ends when its standard input closes; prints how many messages they had.
"""

from __future__ import annotations

import asyncio
import os
import sys

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Crowd:
    def __init__(self, url: str) -> None:
        self.url, self.num_messages, self.sockets = url, 0, list[ClientConnection]()

    async def join(self) -> None:
        origin = self.url.replace("ws", "http", 1).partition("/ws/")[0]
        socket = await connect(
            self.url, additional_headers={"Cookie": os.environ["COOKIE"]}, origin=origin, compression=None, max_size=None
        )
        self.sockets.append(socket)

    async def read(self, socket: ClientConnection) -> None:
        try:
            async for _ in socket:
                self.num_messages += 1
        except ConnectionClosed:
            return


async def main() -> None:
    crowd = Crowd(sys.argv[1])
    for _ in range(int(sys.argv[2])):
        await crowd.join()
    readers = [asyncio.create_task(crowd.read(socket)) for socket in crowd.sockets]
    print("joined", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    still_there = sum(not task.done() for task in readers)
    print(f"{still_there} {crowd.num_messages}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
