"""Recordings on their way to a player (R-053, M5)."""

from __future__ import annotations

import asyncio

import pytest
from loguru import logger

from .house import House, add_recording

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_player_that_lets_go_is_no_error(house: House) -> None:
    """Players drop a request whenever somebody jumps elsewhere: nothing is logged as failed, and the next range is served."""
    session = await house.finished()
    whole = await add_recording(house.recordings, session.id, seconds=120)
    path = f"/api/interviews/{session.id}/recording"
    told: list[str] = []
    sink = logger.add(lambda message: told.append(str(message)), level="WARNING", format="{message}")
    try:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nRange: bytes=0-\r\n\r\n".encode())
            await writer.drain()
            assert (await reader.readline()).startswith(b"HTTP/1.1 206")
            writer.transport.abort()
        async with house.client.get(f"{house.origin}{path}", headers={"Range": "bytes=100-199"}) as response:
            assert (206, 100) == (response.status, len(await response.read()))
        # Aborted writers are noticed at the next write; one more turn of the loop for each.
        await asyncio.sleep(0.5)
    finally:
        logger.remove(sink)

    assert len(whole) > 1_000_000
    assert [] == told
