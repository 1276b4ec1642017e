"""`/api/me/…`: the person's own numbers, over all interviews and over time (R-126, R-127)."""

from __future__ import annotations

from aiohttp import web

from .. import reports
from ..keys import STORE


async def statistics(request: web.Request) -> web.Response:
    """`GET /api/me/statistics`."""
    async with request.app[STORE].read() as tx:
        found = await reports.statistics(request, tx, await reports.newest(request, tx))
    return web.json_response(found)


async def progress(request: web.Request) -> web.Response:
    """`GET /api/me/progress`."""
    async with request.app[STORE].read() as tx:
        found = await reports.over_time(request, tx, await reports.newest(request, tx))
    return web.json_response(found)
