"""Hundreds of connections that never end their request, against a real server (B7, R-121)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from bridge.domain.privacy import CONSENT_VERSION
from web.connections import site_of
from web.rehearsal.house import House

from .conftest import StartServer
from .live import PCM, QUICK

MANY, HELD = 300, 50
SLOW = {
    "headers": b"GET / HTTP/1.1\r\nHost: ",
    "body": b"POST /api/interviews/setup HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "nothing": b"",
}
"""What each sends before it falls silent."""


@asynccontextmanager
async def slow_visitors(house: House, sends: bytes, address: str) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Three hundred connections from one address."""
    host = urlsplit(house.url).netloc
    opened = [await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port, local_addr=(address, 0)) for _ in range(MANY)]
    try:
        for _, writer in opened:
            writer.write(sends.replace(b"%b", host.encode()))
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


async def still_open(readers: list[asyncio.StreamReader]) -> int:
    """How many of them the server has not closed, once it has closed what it will."""
    fewest, since = len(readers), time.monotonic()
    while time.monotonic() < since + 2:
        left = sum(not reader.at_eof() and reader.exception() is None for reader in readers)
        if left < fewest:
            fewest, since = left, time.monotonic()
        await asyncio.sleep(0.05)
    return fewest


async def test_three_hundred_slow_connections_of_one_address(server: StartServer) -> None:
    """B7: at most fifty are held, `/healthz` answers within 200 ms (p95), a call of the same address goes on, and the log has no traceback."""
    house = await server(PREPKIT_RECOGNISER="none")
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{house.url}/api/interviews/setup", json=QUICK) as made:
            session_id = (await made.json())["sessionId"]
        agreed = {"consent": {"version": CONSENT_VERSION}}
        async with http.post(f"{house.url}/api/interviews/{session_id}/start", json=agreed) as begun:
            start = await begun.json()
        async with http.ws_connect(f"{start['bridgeUrl']}?token={start['token']}", protocols=PCM, max_msg_size=0) as call:
            for sends in SLOW.values():
                async with slow_visitors(house, sends, "127.0.0.1") as readers:
                    took = []
                    for _ in range(40):
                        began = time.perf_counter()
                        async with http.get(f"{house.url}/healthz") as answer:
                            assert answer.status == 200
                        took.append(time.perf_counter() - began)
                    assert 0 < await still_open(readers) <= HELD
                    assert sorted(took)[37] <= 0.2
            assert not call.closed
            await call.ping()
    log = house.log.read_text()
    assert "too many from one address" in log
    assert "Traceback" not in log


async def test_a_trusted_proxy_is_not_counted(server: StartServer) -> None:
    """B7: a proxy in front has many visitors; another address is counted all the same."""
    house = await server(PREPKIT_RECOGNISER="none", PREPKIT_TRUSTED_PROXIES="127.0.0.2")
    async with (
        slow_visitors(house, SLOW["headers"], "127.0.0.2") as proxy,
        slow_visitors(house, SLOW["headers"], "127.0.0.3") as other,
    ):
        assert 0 < await still_open(other) <= HELD
        assert await still_open(proxy) == MANY


def test_what_counts_as_one_address() -> None:
    """B7: an IPv6 site chooses the last 64 bits itself; an IPv4 address in IPv6 clothes is that address."""
    assert site_of("2001:db8:1:2:aaaa::1") == site_of("2001:db8:1:2:ffff::9") != site_of("2001:db8:1:3::1")
    assert site_of("::ffff:192.0.2.7") == site_of("192.0.2.7") == "192.0.2.7"
    assert site_of("fe80::1%eth0") == site_of("fe80::2")
