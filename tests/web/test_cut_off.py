"""Requests whose connection is closed under them are no failure of ours (B7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from loguru import logger

from web.middlewares import errors

BEGUN = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
WHOLE = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{"


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What is logged as a warning or worse."""
    said: list[str] = []
    sink = logger.add(lambda message: said.append(str(message)), level="WARNING", format="{message}")
    yield said
    logger.remove(sink)


async def answered(handler: Handler, sent: bytes) -> bytes:
    """All that a server of one handler, behind our own top of every request, says to these bytes until it closes."""
    app = web.Application(middlewares=[errors])
    app.router.add_post("/", handler)
    async with TestServer(app, shutdown_timeout=0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
    return answer


@pytest.mark.parametrize("reads_first", [True, False])
async def test_a_connection_closed_before_its_body_has_come(complaints: list[str], reads_first: bool) -> None:
    """B7: what is one connection too many may be closed while its body is read, and just before."""

    async def handler(request: web.Request) -> web.Response:
        if reads_first:
            asyncio.get_running_loop().call_later(0.02, request.protocol.force_close)
        else:
            request.protocol.force_close()
        return web.Response(body=await request.read())

    assert b"" == await answered(handler, BEGUN)
    assert [] == complaints


async def test_a_failure_of_ours_is_told_on_a_closed_connection_too(complaints: list[str]) -> None:
    """R-113: that nobody waits for the answer does not hide what went wrong with a request that had come whole."""

    async def handler(request: web.Request) -> web.Response:
        request.protocol.force_close()
        raise RuntimeError(await request.text())

    assert b"" == await answered(handler, WHOLE)
    assert 1 == len(complaints)
