"""`/share/{token}`: a report for whoever has the link, and the recording when the link allows it (R-118, A5).

Nobody is signed in here. Wrong tokens are counted by address, so that guessing is hopeless long before it is slow. Nothing of these pages is
kept by a cache, told to another site or found by a search engine. Read next: `bridge.usecases.sharing`, `reporting.shared`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bridge.errors import NotFound
from bridge.ports import Tx
from bridge.usecases import sharing
from reporting.render import report_context
from reporting.shared import shared

from . import media, reports
from .auth import public
from .keys import RECORDINGS, STORE
from .pages import render

GUESSES = parse("20/minute")
"""Wrong tokens that an address may try."""
LIMITER: web.AppKey[MovingWindowRateLimiter] = web.AppKey("share-limiter", MovingWindowRateLimiter)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def limiter() -> MovingWindowRateLimiter:
    """Counts wrong tokens."""
    return MovingWindowRateLimiter(MemoryStorage())


def guarded(handler: Handler) -> Handler:
    """No more answers to an address that guesses."""

    async def guard(request: web.Request) -> web.StreamResponse:
        counted, address = request.app[LIMITER], request.remote or ""
        if not await counted.test(GUESSES, address):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        try:
            return await handler(request)
        except NotFound:
            await counted.hit(GUESSES, address)
            raise

    return guard


async def _opened(request: web.Request, tx: Tx) -> sharing.Opened:
    return await sharing.opened(tx, request.match_info["token"], datetime.now(UTC))


@public
@guarded
async def page(request: web.Request) -> web.StreamResponse:
    """The report through the link."""
    async with request.app[STORE].read() as tx:
        found = await _opened(request, tx)
        body = await reports.placed(request.app, tx, found.session, found.report)
    playable = await asyncio.to_thread(request.app[RECORDINGS].has, found.session.id)
    view = shared(body, found.link, name=found.name, recording=playable)
    audio = f"/share/{request.match_info['token']}/recording" if view["recording"] else ""
    until = found.link.expires_at
    return render(request, "share.html", **report_context(view), media=audio, name=found.name, until=f"{until.day} {until:%B %Y}")


@public
@guarded
async def recording(request: web.Request) -> web.StreamResponse:
    """The recording through the link, unless it hides it."""
    async with request.app[STORE].read() as tx:
        found = await _opened(request, tx)
    audio = None if found.link.hide_audio else await asyncio.to_thread(request.app[RECORDINGS].find, found.session.id)
    if audio is None:
        raise NotFound(sharing.NOT_THERE)
    return await media.send(request, audio, disposition="inline; filename=interview.wav")
