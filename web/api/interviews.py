"""`/api/interviews…`: set up, look, start, complete, report, recording, history, delete (contract §4).

A handler reads the request, calls one use case, and shapes the answer; every session comes through `calling.owned`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.agenda import Agenda
from bridge.domain.entitlement import Quote
from bridge.domain.segments import Turn
from bridge.domain.session import ENDED, LIVE, InterviewSession, ReportStatus, SessionStatus
from bridge.errors import Conflict, InvalidInput, NotFound
from bridge.usecases import calling, consenting, privacy, set_up
from bridge.wire import strict_json
from bridge.wire.segments import segment_json

from .. import language_model, media, payments, reports, schemas
from ..auth import user_id
from ..keys import MODEL, RECORDINGS, SETTINGS, STORE, SUPERVISOR
from . import report_versions
from .report_steps import step_of, strengths_of

REPORT_RETRY_SECONDS = "2"
NOT_BEGUN = (SessionStatus.SETUP, SessionStatus.AWAITING_PAYMENT, SessionStatus.READY, SessionStatus.INITIATED)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. Raises InvalidInput."""
    if request.content_type != "application/json" and request.can_read_body:
        raise InvalidInput("Send the body as application/json.")
    try:
        data = await request.read()
    except web.RequestPayloadError:
        raise InvalidInput("The body cannot be unpacked as its Content-Encoding says.") from None
    return strict_json.loads_object(data) if data else {}


def rfc3339(moment: datetime | None) -> str | None:
    """A moment as clients see it: UTC, with Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def dump(model: schemas.Model) -> dict[str, Any]:
    """A body in camelCase."""
    return model.model_dump(by_alias=True, mode="json")


def configuration(session: InterviewSession) -> dict[str, Any]:
    """The choice, as it was sent in."""
    setup = session.setup
    return {
        "type": setup.type.value,
        "difficulty": setup.difficulty.value,
        "duration": setup.duration_minutes,
        "focusAreas": [*setup.focus_areas, *setup.other_areas],
        "specificRequirements": setup.specific_requirements,
        "language": setup.language,
        "voice": setup.voice.value,
        "pace": setup.pace.value,
        "followUpStyle": setup.follow_up_style.value,
        "mode": setup.mode.value,
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
    }


def questions_view(session: InterviewSession, asked: frozenset[str]) -> list[dict[str, Any]]:
    """The candidate's view: the text of a question only once it was asked, key points only once all is over (C-31)."""
    over = session.status in ENDED
    views = []
    for order, question in enumerate(session.questions, 1):
        view = dump(
            schemas.QuestionView(
                id=question.id,
                order=order,
                minutes=question.minutes,
                text=question.text if over or question.id in asked else None,
            )
        )
        if over:
            view["expectedKeyPoints"] = [point.text for point in question.key_points]
        views.append(view)
    return views


def turn_json(turn: Turn) -> dict[str, Any]:
    """A turn as clients see it."""
    return {
        "turnId": turn.id,
        "speaker": turn.speaker.value,
        "text": turn.text,
        "questionId": turn.question_id,
        "startMs": turn.start_ms,
        "endMs": turn.end_ms,
        "source": turn.source,
        "final": turn.final,
        "interrupted": turn.interrupted,
    }


async def create(request: web.Request) -> web.Response:
    """`POST /api/interviews/setup` → 201."""
    setup = schemas.validate(schemas.SetupRequest, await json_body(request)).to_setup()
    prepared = await set_up.prepare(
        request.app[STORE],
        request.app[MODEL],
        user_id(request),
        setup,
        datetime.now(UTC),
        languages=language_model.languages(request.app[SETTINGS]),
    )
    session, offer = await payments.quoted(request, prepared.session)
    body = dump(
        schemas.SetupResponse(
            session_id=session.id,
            status=session.status.value,
            questions=[],
            estimated_duration=setup.duration_minutes,
            estimated_cost=offer.price.amount if offer else 0,
            quote=quote_body(offer),
            questions_from=prepared.questions_from,
            note=prepared.note,
        )
    )
    body["questions"] = questions_view(session, frozenset())
    return web.json_response(body, status=201)


def quote_body(offer: Quote | None) -> schemas.Quote:
    """What it costs before it costs; without payments nothing does."""
    if offer is None:
        free = "This interview is free on this server."
        return schemas.Quote(amount=0, currency="INR", reason="payments_off", message=free, expires_at=None)
    return schemas.Quote(
        amount=offer.amount.amount,
        currency=offer.amount.currency,
        reason=offer.reason,
        message=offer.message,
        expires_at=rfc3339(offer.expires_at),
    )


async def show(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}`."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        events = [stored.event for stored in await tx.events(session.id)]
        turns = await tx.turns(session.id)
        report = await tx.report(session.id)
        body = await reports.placed(request.app, tx, session, report) if report else None
    return web.json_response(interview_json(session, Agenda(session.setup, session.questions, events), turns, body))


def interview_json(
    session: InterviewSession, agenda: Agenda, turns: Sequence[Turn], report: Mapping[str, Any] | None
) -> dict[str, Any]:
    """All of an interview, as clients see it."""
    segments = agenda.transcript.segments
    return {
        "sessionId": session.id,
        "status": session.status.value,
        "phase": session.phase,
        "configuration": configuration(session),
        "questions": questions_view(session, frozenset(segments)),
        "transcript": [turn_json(turn) for turn in turns],
        "segments": [segment_json(segment) for segment in segments.values()],
        "report": report,
        "reportStatus": session.report_status.value,
        "createdAt": rfc3339(session.created_at),
        "startedAt": rfc3339(session.started_at),
        "endedAt": rfc3339(session.ended_at),
        "endReason": session.end_reason,
        "duration": session.elapsed_ms // 1000,
    }


async def start(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/start`: also for a live session whose page was reloaded."""
    wish = schemas.validate(schemas.StartRequest, await json_body(request))
    session_id = request.match_info["session_id"]
    now = datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        known = await calling.owned(tx, user_id(request), session_id)
    resuming = known.status in (SessionStatus.IN_PROGRESS, SessionStatus.INTERRUPTED)
    request.app[SUPERVISOR].check_capacity(session_id, resuming=resuming)
    engines = request.app[SETTINGS].engines
    engine = engines[0]
    if wish.consent is None and known.status in (SessionStatus.READY, SessionStatus.AWAITING_PAYMENT, *LIVE):
        if request.app[SETTINGS].on_own_machine:
            await consenting.imply(request.app[STORE], user_id(request), session_id, now)
        async with request.app[STORE].read() as tx:
            await consenting.require(tx, session_id)
    elif wish.consent is not None and known.status not in ENDED:
        receivers = [name.capitalize() for name in engines if name != "local"]
        await consenting.give(request.app[STORE], user_id(request), session_id, wish.consent.version, receivers, now)
    session, token = await calling.start(
        request.app[STORE], user_id(request), session_id, engine, now, tariff=request.app.get(payments.TARIFF)
    )
    secure = request.scheme == "https" or request.app[SETTINGS].public_url.startswith("https:")
    scheme = "wss" if secure else "ws"
    url = f"{scheme}://{request.host}/ws/interviews/{session.id}"
    return web.json_response(
        dump(
            schemas.StartResponse(
                call_id=session.call_id or "",
                timestamp=rfc3339(now) or "",
                engine=session.engine,
                bridge_url=url,
                vapi_url=url,
                token=token,
            )
        )
    )


async def complete(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/complete` → 202; ends a live call if there is one, enqueues the report, idempotent (C-23)."""
    await json_body(request)
    session_id = request.match_info["session_id"]
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), session_id)
    if session.status in NOT_BEGUN:
        raise Conflict("This interview has not begun, so there is nothing to report on.")
    await request.app[SUPERVISOR].end(session_id)
    await calling.finish(
        request.app[STORE], session_id, "ended_by_candidate", elapsed_ms=None, now=datetime.now(UTC), take_over=True
    )
    return web.json_response(dump(schemas.CompleteResponse(estimated_time="a few seconds")), status=202)


async def report(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/report`: 200 (`?version=` for an older one), 202 with the step, or 409 when there will be none."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        stored = await report_versions.chosen(request, tx, session.id)
        body = await reports.placed(request.app, tx, session, stored) if stored else None
        progress = await tx.progress(session.id)
    if body is not None:
        return web.json_response(body)
    if session.report_status is ReportStatus.FAILED:
        raise Conflict("The report could not be written. It will be tried again; your answers are safe.")
    if session.status in ENDED and session.report_status is ReportStatus.NONE:
        raise Conflict("There is no report, because no question was answered.")
    if session.status not in ENDED:
        raise Conflict("The report is written when the interview is over.")
    body = step_of(session, progress) | ({"strengths": strengths_of(progress)} if progress else {})
    return web.json_response(body, status=202, headers={"Retry-After": REPORT_RETRY_SECONDS})


async def recording(request: web.Request) -> web.StreamResponse:
    """`GET /api/interviews/{sessionId}/recording`: the two-channel WAV, ranges honoured, owner only."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
    found = await asyncio.to_thread(request.app[RECORDINGS].find, session.id)
    if found is None:
        raise NotFound("There is no recording of this interview.")
    return await media.send(request, found, disposition="inline; filename=interview.wav")


async def history(request: web.Request) -> web.Response:
    """`GET /api/interviews/history`."""
    query = schemas.validate(schemas.HistoryQuery, dict(request.query))
    async with request.app[STORE].read() as tx:
        rows, total = await tx.history(
            user_id(request),
            page=query.page,
            limit=query.limit,
            type=query.type.value if query.type else None,
            difficulty=query.difficulty.value if query.difficulty else None,
        )
    items = [
        schemas.HistoryItem(
            session_id=row.session_id,
            type=row.type,
            difficulty=row.difficulty,
            score=row.score,
            date=rfc3339(row.date) or "",
            duration=row.duration_seconds,
            status=row.status.value,
        )
        for row in rows
    ]
    return web.json_response(dump(schemas.HistoryResponse(interviews=items, total=total, page=query.page, limit=query.limit)))


async def delete(request: web.Request) -> web.Response:
    """`DELETE /api/interviews/{sessionId}`: hidden at once, purged by a job."""
    session_id = request.match_info["session_id"]
    async with request.app[STORE].read() as tx:
        await calling.owned(tx, user_id(request), session_id)
    await request.app[SUPERVISOR].end(session_id)
    receipt = await privacy.delete_session(request.app[STORE], user_id(request), session_id, datetime.now(UTC))
    request.app[reports.GROUPS].clear()
    return web.json_response({"deleted": True, "receipt": {"id": receipt.id, "url": f"/erasures/{receipt.id}"}})
