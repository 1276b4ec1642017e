"""How many connections one address may keep waiting on us: those that never end their request are closed, the oldest first (B7, R-121).

Only a connection that owes us something counts: the rest of a request, or the next one. A call, a download or a long answer under way never does, so that a whole office behind
one address can hold its interviews. What comes through a proxy that `PREPKIT_TRUSTED_PROXIES` names counts for the visitor it names, once it has named one; its idle connections
to us are nobody's.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from loguru import logger

from . import limiting
from .keys import SETTINGS

LOOK_SECONDS = 0.25
IPV6_SITE = 64
"""Leading bits of an IPv6 address that one site shares; the rest it may choose."""
ANSWERED: web.AppKey[dict[object, web.Request]] = web.AppKey("answered", dict)
"""Requests under way, by their connection's protocol."""


@web.middleware
async def note(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Keep in mind that this connection is being answered."""
    answered, protocol = request.app[ANSWERED], request.protocol
    answered[protocol] = request
    try:
        return await handler(request)
    finally:
        answered.pop(protocol, None)


def site_of(address: str) -> str:
    """What counts as one address; as it is when it is none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None or found.version == 4:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, IPV6_SITE), strict=False))


def waiting_of(server: web.Server, app: web.Application) -> dict[str, list[web.RequestHandler]]:
    """Connections that owe us something by address, the oldest first."""
    settings, answered = app[SETTINGS], app[ANSWERED]
    waiting: dict[str, list[web.RequestHandler]] = defaultdict(list)
    for connection in server.connections:
        transport = connection.transport
        if transport is None or transport.is_closing():
            continue
        request = answered.get(connection)
        if request is None:
            peer = transport.get_extra_info("peername")
            address = str(peer[0]) if isinstance(peer, tuple) else ""
        elif request.content.is_eof():
            continue
        else:
            address = limiting.visitor(request)
        if address and not limiting.is_proxy(settings, address):
            waiting[site_of(address)].append(connection)
    return waiting


def close_waiting(server: web.Server, app: web.Application) -> int:
    """Close each address's oldest waiting connections beyond its number; how many that were."""
    closed = 0
    for connections in waiting_of(server, app).values():
        for connection in connections[: -app[SETTINGS].connections_per_address]:
            # A client may take any moment between two requests for the end of the connection; browsers send the next one anew.
            connection.force_close()
            closed += 1
    return closed


@asynccontextmanager
async def limited(runner: web.AppRunner) -> AsyncIterator[None]:
    """Look several times a second while this lasts; the runner has been set up."""

    async def look() -> None:
        while True:
            if runner.server is not None and (closed := close_waiting(runner.server, runner.app)):
                logger.warning("{} connections that sent no whole request were closed: too many from one address", closed)
            await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
