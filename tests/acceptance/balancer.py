"""What stands before several servers: connections go to each in turn, and to the next one when a server is gone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Ports = Callable[[], list[int]]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    with suppress(ConnectionError):
        writer.close()


@asynccontextmanager
async def balancing(ports: Ports) -> AsyncIterator[int]:
    """A port of its own, whose connections are passed on."""
    turns = itertools.count()
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)
        living = ports()
        first = next(turns)
        for offset in range(len(living)):
            try:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", living[(first + offset) % len(living)])
            except OSError:
                continue
            await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))
            return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
