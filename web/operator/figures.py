"""`/operator/figures`: the success metrics with their targets, and what candidates say; and the heartbeat behind availability (R-140…R-155)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from uuid import uuid4

from aiohttp import web
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError

from bridge.domain.figures import WINDOW, Figure, compute
from bridge.errors import PrepkitError
from bridge.ports import Store

from ..api.interviews import rfc3339
from ..keys import SETTINGS, STORE
from ..pages import render
from . import secret_ages
from .door import audited
from .metrics import METRICS
from .tabs import tabs_for

BEAT_SECONDS = 30
COMMENTS = 20


async def figures_of(app: web.Application, now: datetime) -> list[Figure]:
    """Every metric as of now."""
    async with app[STORE].read() as tx:
        facts = await tx.figure_facts(now - 2 * WINDOW, now)
    return compute(facts, database_p95_ms=app[METRICS].database_p95_ms(), rate=app[SETTINGS].usd_inr)


def number(value: float) -> str:
    """As people write it: two places at most, none that say nothing.

    >>> [number(value) for value in (100.0, 3.386, 0.3, 50_000.0)]
    ['100', '3.39', '0.3', '50,000']
    """
    return f"{value:,.2f}".rstrip("0").rstrip(".")


@audited("figures.view")
async def page(request: web.Request) -> web.Response:
    """`/operator/figures`."""
    found = await figures_of(request.app, datetime.now(UTC))
    async with request.app[STORE].read() as tx:
        comments = await tx.newest_feedback(limit=COMMENTS)
    # Where nothing is paid and nothing costs anything, no price is shown (M7).
    found = [
        figure
        for figure in found
        if figure.group != "Business" or any(f.value is not None for f in found if f.group == "Business")
    ]
    groups = [(title, list(group)) for title, group in groupby(found, key=lambda figure: figure.group)]
    return render(
        request,
        "operator_figures.html",
        tabs=tabs_for(request),
        groups=groups,
        number=number,
        comments=comments,
        secrets=await secret_ages.shown(request),
        key_days=request.app[SETTINGS].key_days,
    )


@audited("figures.view")
async def api(request: web.Request) -> web.Response:
    """`GET /api/operator/figures` → `{figures: [{id, title, value, unit, target, met, group, basis}], at}`."""
    now = datetime.now(UTC)
    shown = [figure.__dict__ for figure in await figures_of(request.app, now)]
    return web.json_response({"figures": shown, "at": rfc3339(now)})


async def heartbeat(app: web.Application) -> AsyncIterator[None]:
    """While the application is up, say so in the database."""
    beating = asyncio.create_task(_beat(app[STORE]), name="uptime")
    yield
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating


async def _beat(store: Store) -> None:
    process, since = f"{socket.gethostname()[:40]}-{uuid4().hex[:12]}", datetime.now(UTC)
    while True:
        try:
            async with store.begin() as tx:
                await tx.keep_up(process, since, datetime.now(UTC))
        except (PrepkitError, SQLAlchemyError, OSError) as error:
            # A database out of reach is the very outage that is to show: this time is in no span.
            logger.warning("The uptime could not be noted: {}", type(error).__name__)
            since, process = datetime.now(UTC), f"{process[:40]}-{uuid4().hex[:12]}"
        await asyncio.sleep(BEAT_SECONDS)
