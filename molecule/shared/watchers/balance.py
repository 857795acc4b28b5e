"""A load balancer for the API servers: passes TCP on to those that say they are ready.

Usage: balance.py PORT ADDRESS...

What a user's own does, no more: it asks each for /readyz, takes the next one where a connection
cannot be made, and any where none is ready. It never sees what is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import sys

INTERVAL = 0.5
TIMEOUT = 5.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def insecure() -> ssl.SSLContext:
    """Whether a server is ready is no secret, and who it is, its clients find out."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def ready(address: str, port: int) -> bool:
    """Ask a server whether it is ready."""
    reader, writer = await asyncio.open_connection(address, port, ssl=insecure())
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return b" 200 " in await reader.readline()
    finally:
        writer.close()


class Balancer:
    """The servers, and which of them are ready."""

    def __init__(self, port: int, addresses: list[str]) -> None:
        self.port = port
        self.ready = dict.fromkeys(addresses, False)
        self.turn = itertools.count()

    async def watch(self, address: str) -> None:
        """Know whether a server is ready, twice a second."""
        while True:
            try:
                self.ready[address] = await asyncio.wait_for(ready(address, self.port), TIMEOUT)
            except (OSError, asyncio.TimeoutError):
                self.ready[address] = False
            await asyncio.sleep(INTERVAL)

    async def connect(self) -> Streams | None:
        """Return a connection to a server that is ready, to each in turn."""
        addresses = [address for address, well in self.ready.items() if well] or list(self.ready)
        first = next(self.turn)
        for offset in range(len(addresses)):
            address = addresses[(first + offset) % len(addresses)]
            try:
                return await asyncio.wait_for(asyncio.open_connection(address, self.port), TIMEOUT)
            except (OSError, asyncio.TimeoutError):
                self.ready[address] = False
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways, until both have ended."""
        found = await self.connect()
        if found is None:
            writer.close()
            return
        await asyncio.gather(copy(reader, found[1]), copy(found[0], writer))


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes, and that it has ended."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


async def main() -> None:
    balancer = Balancer(int(sys.argv[1]), sys.argv[2:])
    watchers = [asyncio.ensure_future(balancer.watch(address)) for address in balancer.ready]
    server = await asyncio.start_server(balancer.serve, None, balancer.port)
    await asyncio.gather(server.serve_forever(), *watchers)


if __name__ == "__main__":
    asyncio.run(main())
