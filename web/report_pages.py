"""The pages that live on reports: progress, and what a share link shows. Read next: `reports` (where their numbers come from)."""

from __future__ import annotations

from aiohttp import web

from reporting.render_progress import progress_context

from . import payments, reports
from .keys import STORE
from .pages import render


async def progress(request: web.Request) -> web.Response:
    """`/progress`: totals, trends, weaknesses that come back."""
    async with request.app[STORE].read() as tx:
        rows = await reports.newest(request, tx)
        statistics = await reports.statistics(request, tx, rows)
        over_time = await reports.over_time(request, tx, rows)
        ad = await payments.advertisement(request, tx)
    return render(request, "progress.html", ad=ad, **progress_context(statistics, over_time))
