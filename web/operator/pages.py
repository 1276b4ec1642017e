"""The operators' pages: `/operator` (calls now) and `/operator/calls/{id}` (one call's timeline, live or replayed). Read next: `api`."""

from __future__ import annotations

from aiohttp import web

from bridge.domain.catalog import DIFFICULTIES, TYPES
from bridge.domain.pricing import Money
from bridge.domain.session import ENDED
from bridge.errors import NotFound
from bridge.usecases import refunds
from bridge.usecases.access import NOT_THERE

from .. import troubles
from ..keys import STORE, SUPERVISOR
from ..pages import render
from . import words
from .api import capacity
from .bodies import MAX_EXTENSION, MAX_WORDS
from .door import audited
from .tabs import tabs_for


@audited("calls.list")
async def live(request: web.Request) -> web.Response:
    """`/operator`: calls now, those that need attention first."""
    failing = [trouble.reason for trouble in troubles.of(request.app).values() if trouble.failing]
    return render(
        request,
        "operator_live.html",
        tabs=tabs_for(request),
        capacity=capacity(request.app[SUPERVISOR]),
        failing=failing,
        titles=words.TITLES,
    )


@audited("calls.view")
async def call(request: web.Request) -> web.Response:
    """`/operator/calls/{id}`: what happened and happens in one call."""
    async with request.app[STORE].read() as tx:
        session = await tx.session(request.match_info["session_id"])
        paid = await refunds.paid_for(tx, session) if session and session.status in ENDED else []
    if session is None:
        raise NotFound(NOT_THERE)
    return render(
        request,
        "operator_call.html",
        tabs=tabs_for(request),
        session={
            "id": session.id,
            "title": TYPES[session.setup.type].title,
            "difficulty": DIFFICULTIES[session.setup.difficulty].title,
            "minutes": session.setup.duration_minutes,
            "questions": len(session.questions),
            "status": session.status.value,
            "engine": words.ENGINES[session.engine],
            "over": session.status in ENDED,
            "end_reason": session.end_reason or "",
            "report_status": session.report_status.value,
        },
        paid=[Money(order.amount.amount - order.refunded, order.amount.currency).text for order in paid],
        limits={"words": MAX_WORDS, "minutes": MAX_EXTENSION},
    )
