"""A person's report and numbers as every page and answer shows them: one place, so that page, JSON, PDF, letter and share link agree.

What depends on other interviews (comparison, what changed, totals) is looked up here; what was said and scored is read as it was stored.
Read next: `reporting.standing`, `reporting.progress`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.pricing import Tariff
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.standing import ReportFacts, Scores, TypeTotals
from bridge.ports import StoredReport, Tx
from bridge.usecases import report_access
from reporting import branching, progress, standing
from reporting.basic import basic
from reporting.reviewed import with_review

from .auth import user_id
from .keys import SETTINGS

CURRENCY = "INR"
GROUP_SECONDS = 30
"""How long another process's new scores may go unseen in a comparison."""
OWN_HISTORY = 20
"""Interviews of a type that an expected improvement looks back on."""


class Totals:
    """Sums over people's interviews, kept until something changes in them."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[datetime | None, list[TypeTotals]]] = OrderedDict()

    async def of(self, tx: Tx, user_id: str) -> list[TypeTotals]:
        """The person's totals by type."""
        changed = await tx.changed_at(user_id)
        kept = self._kept.get(user_id)
        if kept is None or kept[0] != changed:
            self._kept[user_id] = kept = (changed, await tx.type_totals(user_id))
        self._kept.move_to_end(user_id)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept[1]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


class Groups:
    """Everybody's scores by type and difficulty, kept for a while; this process forgets them whenever it changes a score itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[InterviewType, Difficulty], tuple[float, Scores]] = {}

    async def of(self, tx: Tx, kind: InterviewType, difficulty: Difficulty) -> Scores:
        """One group's scores."""
        kept = self._kept.get((kind, difficulty))
        if kept is None or self._clock() - kept[0] > GROUP_SECONDS:
            self._kept[kind, difficulty] = kept = (self._clock(), await tx.scores(kind, difficulty))
        return kept[1]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


TOTALS: web.AppKey[Totals] = web.AppKey("totals", Totals)
GROUPS: web.AppKey[Groups] = web.AppKey("groups", Groups)
ENTITLED: web.AppKey[Callable[[Tx, InterviewSession], Awaitable[bool]]] = web.AppKey("entitled")
"""Whether a session's owner has its full report (C-10); asked for every form of it."""


async def placed(app: web.Application, tx: Tx, session: InterviewSession, stored: StoredReport) -> dict[str, Any]:
    """The public report: as stored, with its comparison and what changed since last time; its basic view where no more is paid for."""
    if (branch := await tx.branch(session.id)) is not None:
        body = branching.not_compared(standing.placed(stored.body, group=Scores(), before=None, own=()))
        origin, before = await tx.session(branch.origin_id), await tx.report(branch.origin_id)
        there = origin is not None and origin.status is not SessionStatus.DELETED and before is not None
        body["answeredBefore"] = branching.changed(before.body, body, branch.question_id) if there and before else None
    else:
        body = await _compared(app, tx, session, stored)
    body["answeredAgain"] = branching.repeats(await tx.attempts(session.id))
    body = with_review(body, await tx.review(session.id))
    return body if await app[ENTITLED](tx, session) else basic(body)


async def _compared(app: web.Application, tx: Tx, session: InterviewSession, stored: StoredReport) -> dict[str, Any]:
    setup = session.setup
    group = await app[GROUPS].of(tx, setup.type, setup.difficulty)
    before = await tx.facts_before(session.user_id, setup.type, session.started_at or session.created_at)
    own = await tx.facts(session.user_id, limit=OWN_HISTORY, type=setup.type)
    return standing.placed(stored.body, group=group, before=before, own=own) | {"answeredBefore": None}


def entitled(tariff: Tariff | None) -> Callable[[Tx, InterviewSession], Awaitable[bool]]:
    """Who has the full report, by this price list."""

    async def check(tx: Tx, session: InterviewSession) -> bool:
        return await report_access.has_full_report(tx, session, tariff, datetime.now(UTC))

    return check


async def newest(request: web.Request, tx: Tx) -> list[ReportFacts]:
    """What numbers over time are made of."""
    return await tx.facts(user_id(request), limit=progress.WINDOW)


async def statistics(request: web.Request, tx: Tx, rows: Sequence[ReportFacts]) -> dict[str, Any]:
    """The person's totals (R-126)."""
    totals = await request.app[TOTALS].of(tx, user_id(request))
    return progress.statistics(totals, rows) | {"totalSpent": await spent(request, tx)}


async def spent(request: web.Request, tx: Tx) -> dict[str, Any]:
    """What the person has paid and not got back; nothing where nothing can be paid."""
    settings = request.app[SETTINGS]
    if settings.tariff is None or not settings.tariff.sells:
        return {"amount": 0, "currency": CURRENCY, "reason": f"payments_{settings.payments.value}"}
    paid = {money.currency: money.amount for money in await tx.paid_in(user_id(request))}
    return {"amount": paid.get(settings.tariff.currency, 0), "currency": settings.tariff.currency, "reason": "paid"}


async def over_time(request: web.Request, tx: Tx, rows: Sequence[ReportFacts]) -> dict[str, Any]:
    """Trends, weaknesses and comparison over the person's newest interviews (R-127, M13, C-44)."""
    groups = {key: await request.app[GROUPS].of(tx, *key) for key in progress.latest_scores(rows)}
    return progress.progress(rows, groups, now=datetime.now(UTC))
