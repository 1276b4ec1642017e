"""`/api/interviews/{id}/report…`: follow a report while it is written, have a failed one tried again (R-086, C-60).

The report itself is in `interviews`.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.session import ENDED, InterviewSession, ReportStatus
from bridge.errors import Conflict, NotFound
from bridge.usecases import answer_again, calling, report_again, reviewing

from .. import kept_pdfs, reports
from ..auth import user_id
from ..keys import MODEL, SETTINGS, STORE
from ..payments import TARIFF
from .interviews import json_body, rfc3339
from .report_steps import step_of, strengths_of

LOOK_SECONDS = 0.4
"""How often the stream looks for a new step."""
BEAT_SECONDS = 15
"""A stream that says nothing for so long sends a comment, so that nobody between takes it for dead."""
LONGEST_SECONDS = 600
"""A stream ends after this; the page then looks for itself."""
OVER = (ReportStatus.READY, ReportStatus.FAILED, ReportStatus.NONE)


async def again(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/report` → 202: a failed report is tried again; one that is there is graded again, beside the old one."""
    await json_body(request)
    can_grade = request.app[MODEL] is not None
    session = await report_again.try_again(
        request.app[STORE], user_id(request), request.match_info["session_id"], can_grade=can_grade
    )
    return web.json_response(step_of(session), status=202)


async def one_again(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/questions/{order}/again` → 201: an interview of that question alone, to be started as any other (M15)."""
    await json_body(request)
    order = request.match_info["order"]
    made = await answer_again.answer_again(
        request.app[STORE],
        user_id(request),
        request.match_info["session_id"],
        int(order) if order.isdecimal() and len(order) < 4 else 0,
        datetime.now(UTC),
    )
    return web.json_response({"sessionId": made.id, "status": made.status.value}, status=201)


async def review(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/review` → 202: a person reviews it within the days that are set; 402 where no plan includes that (C-58)."""
    await json_body(request)
    made = await reviewing.ask(
        request.app[STORE],
        request.app.get(TARIFF),
        user_id(request),
        request.match_info["session_id"],
        request.app[SETTINGS].review_days,
        datetime.now(UTC),
    )
    told = {"state": made.state.value, "askedAt": rfc3339(made.asked_at), "dueAt": rfc3339(made.due_at)}
    return web.json_response({"review": told}, status=202)


async def events(request: web.Request) -> web.StreamResponse:
    """`GET /api/interviews/{sessionId}/report/events`: a `step` event at each step, a `strength` for each of the first ones, then one `end`."""
    session, progress = await _state(request)
    if session.status not in ENDED:
        raise Conflict("The report is written when the interview is over.")
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await stream.prepare(request)
    # Gone: the page was closed, or the interview deleted meanwhile; either way nobody waits any more.
    with suppress(ConnectionError, NotFound):
        await _tell(request, stream, session, progress)
    return stream


async def _tell(
    request: web.Request, stream: web.StreamResponse, session: InterviewSession, progress: dict[str, Any] | None
) -> None:
    told: dict[str, Any] | None = None
    strengths = 0
    began = said = time.monotonic()
    while time.monotonic() - began < LONGEST_SECONDS:
        if session.report_status in OVER:
            await stream.write(_event("end", {"reportStatus": session.report_status.value}))
            return
        if (step := step_of(session, progress)) != told:
            told, said = step, time.monotonic()
            await stream.write(_event("step", step))
        for strength in strengths_of(progress)[strengths:]:
            strengths, said = strengths + 1, time.monotonic()
            await stream.write(_event("strength", strength))
        if time.monotonic() - said > BEAT_SECONDS:
            said = time.monotonic()
            await stream.write(b": still here\n\n")
        await asyncio.sleep(LOOK_SECONDS)
        session, progress = await _state(request)


async def versions(request: web.Request) -> web.Response:
    """`GET …/report/versions`: what each was made by and came to, oldest first; `…/report?version=` has the whole."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        stored_versions = await tx.reports(session.id)
    rows = [
        {
            "version": stored.version,
            "reportId": stored.id,
            "generatedAt": stored.body["generatedAt"],
            "generatedBy": stored.body["generatedBy"],
            "overallScore": stored.overall_score,
            "spread": (stored.body.get("grading") or {}).get("spread"),
        }
        for stored in stored_versions
    ]
    return web.json_response({"versions": rows})


async def pdf_file(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/report.pdf`: the report as the page shows it; 501 in words where PDFs cannot be made."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        stored = await tx.report(session.id)
        body = await reports.placed(request.app, tx, session, stored) if stored else None
    if body is None:
        raise Conflict("There is no report yet.")
    made = await kept_pdfs.of(request.app, session.id, body, keep=False)
    name = f"interview-report-{session.created_at:%Y-%m-%d}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=made, content_type="application/pdf", headers=headers)


async def _state(request: web.Request) -> tuple[InterviewSession, dict[str, Any] | None]:
    """The interview, and how far its report is."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        return session, await tx.progress(session.id)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
