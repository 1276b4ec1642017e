"""After a call: sessions found by their columns, reports written again, webhooks and jobs with retry, money given back (M7).

Nothing anybody said is in these lists; opening a session is noted for its candidate. Read next: `door`, `figures`.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

from aiohttp import web

from bridge.domain.session import ENDED, ReportStatus, SessionStatus
from bridge.errors import Conflict, NotFound
from bridge.ports import DeliveryState
from bridge.ports.operators import SessionQuery
from bridge.usecases import refunds
from bridge.usecases.calling import REPORT_JOB
from bridge.usecases.engine_calls import APPLY_JOB

from .. import schemas
from ..api.interviews import json_body
from ..keys import JOBS, STORE
from ..pages import render
from . import words
from .bodies import JobWish, SessionFilter
from .door import audited
from .tabs import tabs_for

PAGE = 50


def _query(request: web.Request) -> SessionQuery:
    asked = schemas.validate(SessionFilter, {key: value for key, value in request.query.items() if value})
    return SessionQuery(
        status=asked.status.value if asked.status else None,
        type=asked.type.value if asked.type else None,
        engine=asked.engine,
        report_status=asked.report.value if asked.report else None,
        id_prefix=asked.id,
        since=asked.since,
        rating_up_to=asked.rating,
        page=asked.page,
        limit=PAGE,
    )


@audited("sessions.list")
async def sessions(request: web.Request) -> web.Response:
    """`/operator/sessions`: search and filter."""
    query = _query(request)
    async with request.app[STORE].read() as tx:
        found, total = await tx.find_sessions(query)
    return render(
        request,
        "operator_sessions.html",
        tabs=tabs_for(request),
        sessions=found,
        total=total,
        page=query.page,
        pages=max(1, ceil(total / PAGE)),
        asked=dict.fromkeys(SessionFilter.model_fields, "") | dict(request.query),
        titles=words.TITLES,
        levels=words.LEVELS,
        engines=words.ENGINES,
        types=words.TITLES,
        statuses=words.STATUSES,
        reports={each.value: each.value for each in ReportStatus},
    )


@audited("calls.report")
async def report_again(request: web.Request) -> web.Response:
    """`POST /api/operator/sessions/{sessionId}/report` → 202: write the report again, also a ready one."""
    await json_body(request)
    async with request.app[STORE].begin() as tx:
        session = await tx.session(request.match_info["session_id"], for_update=True)
        if session is None or session.status not in (SessionStatus.COMPLETED, SessionStatus.PARTIAL):
            raise Conflict("There is no interview here that a report could be written of.")
        has_report = await tx.report(session.id) is not None
        await tx.save_session(replace(session, report_status=ReportStatus.STALE if has_report else ReportStatus.QUEUED))
        # A job's key is one job for ever.
        await tx.enqueue(REPORT_JOB, f"{session.id}:{secrets.token_hex(6)}", {"sessionId": session.id})
    return web.json_response({"queued": True}, status=202)


@audited("calls.refund")
async def refund(request: web.Request) -> web.Response:
    """`POST /api/operator/sessions/{sessionId}/refund` → 202: give back what was paid for this interview; a repeat gives nothing more."""
    await json_body(request)
    async with request.app[STORE].begin() as tx:
        session = await tx.session(request.match_info["session_id"], for_update=True)
        if session is None or session.status not in ENDED:
            raise Conflict("The interview is not over. End it first.")
        if not await refunds.paid_for(tx, session):
            raise Conflict(
                "There is nothing to give back: the interview was free, of a plan, paid with credit, or is refunded already."
            )
        await refunds.ask_for_session(tx, session, datetime.now(UTC))
    return web.json_response({"refunding": True}, status=202)


@audited("deliveries.list")
async def deliveries(request: web.Request) -> web.Response:
    """`/operator/deliveries`: the inbox of webhooks, newest first; bodies are not shown."""
    state = request.query.get("state", "")
    wanted = DeliveryState(state) if state in set(DeliveryState) else None
    before = request.query.get("before", "")
    async with request.app[STORE].read() as tx:
        found = await tx.find_deliveries(
            state=wanted, before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None, limit=PAGE
        )
    last = found[-1].id if len(found) == PAGE else None
    states = [each.value for each in DeliveryState]
    return render(
        request, "operator_deliveries.html", tabs=tabs_for(request), deliveries=found, state=state, states=states, last=last
    )


@audited("deliveries.retry")
async def redo(request: web.Request) -> web.Response:
    """`POST /api/operator/deliveries/{deliveryId}/retry` → 202: take a webhook in once more that was not applied."""
    await json_body(request)
    text = request.match_info["delivery_id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    async with request.app[STORE].begin() as tx:
        stored = await tx.delivery(number)
        if stored is None:
            raise NotFound("There is no such delivery.")
        if stored.provider != "vapi" or not await tx.redo_delivery(number):
            raise Conflict("This delivery was applied, or is its provider's to send again.")
        await tx.enqueue(APPLY_JOB, f"{number}:{secrets.token_hex(6)}", {"deliveryId": number})
    return web.json_response({"queued": True}, status=202)


@audited("jobs.list")
async def jobs(request: web.Request) -> web.Response:
    """`/operator/jobs`: the newest background jobs, or those that were given up."""
    failed = request.query.get("show", "") == "failed"
    found = await request.app[JOBS].recent(failed_only=failed, limit=PAGE)
    return render(request, "operator_jobs.html", tabs=tabs_for(request), jobs=found, failed=failed, kinds=words.JOBS)


@audited("jobs.retry")
async def retry(request: web.Request) -> web.Response:
    """`POST /api/operator/jobs/retry` `{kind, key}` → 202: run a job again that was given up."""
    wish = schemas.validate(JobWish, await json_body(request))
    if not await request.app[JOBS].retry(wish.kind, wish.key):
        raise Conflict("This job is unknown, or has not been given up.")
    return web.json_response({"queued": True}, status=202)
