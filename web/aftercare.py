"""What happens to reports besides being written and shown: the jobs for it, and what the application keeps between requests.

`attach` is called once while the application is put together. Read next: `reports`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from loguru import logger

from reporting.facts import make_missing
from storage.jobs import Handler

from . import mailing, pdf, reports, share
from .keys import MAILER, SETTINGS, STORE

FACTS_JOB = "make-facts"
FACTS_VERSION = "1"
"""Changes with what facts hold, so that the job runs once more."""


def attach(app: web.Application) -> dict[str, Handler]:
    """Give the application what pages and answers about reports need; returns the handlers of the jobs."""
    app[reports.TOTALS], app[reports.GROUPS] = reports.Totals(), reports.Groups()
    app[share.LIMITER] = share.limiter()
    app[MAILER] = mailing.of(app[SETTINGS])
    app[pdf.WRITERS] = asyncio.Semaphore(pdf.MAX_WRITERS)

    async def make_facts(_: dict[str, Any]) -> None:
        if made := await make_missing(app[STORE]):
            app[reports.TOTALS].clear()
            app[reports.GROUPS].clear()
            logger.info("The facts of {} older reports were made", made)

    app.cleanup_ctx.append(_enqueue)
    return {FACTS_JOB: make_facts}


async def _enqueue(app: web.Application) -> AsyncIterator[None]:
    """Have the facts made of reports that an older version of this program wrote; one job for ever, whoever starts how often."""
    async with app[STORE].begin() as tx:
        await tx.enqueue(FACTS_JOB, FACTS_VERSION, {})
    yield
