"""What happens to reports besides being written and shown: the jobs for it, and what the application keeps between requests.

`attach` is called once while the application is put together. Read next: `reports`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from loguru import logger

from bridge.usecases import report_mail, reviewing
from reporting.facts import make_missing
from storage.jobs import Handler

from . import kept_pdfs, mailing, pdf, report_letter, reports, review_letter, share
from .api import report_mail as report_mail_api
from .keys import MAILER, SETTINGS, STORE

FACTS_JOB = "make-facts"
FACTS_VERSION = "1"
"""Changes with what facts hold, so that the job runs once more."""


def attach(app: web.Application) -> dict[str, Handler]:
    """Give the application what pages and answers about reports need; returns the handlers of the jobs."""
    app[reports.TOTALS], app[reports.GROUPS] = reports.Totals(), reports.Groups()
    app[reports.ENTITLED] = reports.entitled(app[SETTINGS].tariff)
    app[share.LIMITER] = share.limiter()
    app[MAILER] = mailing.of(app[SETTINGS])
    app[report_mail_api.LIMITER] = report_mail_api.limiter()
    app[pdf.WRITERS] = asyncio.Semaphore(pdf.MAX_WRITERS)

    async def make_facts(_: dict[str, Any]) -> None:
        if made := await make_missing(app[STORE]):
            app[reports.TOTALS].clear()
            app[reports.GROUPS].clear()
            logger.info("The facts of {} older reports were made", made)

    async def mail_report(payload: dict[str, Any]) -> None:
        compose = partial(report_letter.compose, app)
        await report_mail.deliver(app[STORE], app[MAILER], compose, payload, lambda: datetime.now(UTC))

    async def tell_review(payload: dict[str, Any]) -> None:
        await review_letter.send(app, payload["sessionId"])

    async def draw_report(payload: dict[str, Any]) -> None:
        await kept_pdfs.draw(app, payload["sessionId"])

    app.cleanup_ctx.append(_enqueue)
    return {
        FACTS_JOB: make_facts,
        report_mail.MAIL_JOB: mail_report,
        reviewing.LETTER_JOB: tell_review,
        kept_pdfs.DRAW_JOB: draw_report,
    }


async def _enqueue(app: web.Application) -> AsyncIterator[None]:
    """Have the facts made of reports that an older version of this program wrote; one job for ever, whoever starts how often."""
    async with app[STORE].begin() as tx:
        await tx.enqueue(FACTS_JOB, FACTS_VERSION, {})
    yield
