"""`/api/operator/…`: the live list, one call as a stream, acts in a call, and what this process lets in (contract §4, M7).

Acts go through the call's own log, so they are durable events of it before they are done. Read next: `door`, `bridge.usecases.live_feed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.session import ENDED
from bridge.errors import Conflict
from bridge.usecases import calling
from bridge.usecases.live_feed import follow
from bridge.usecases.watching import LiveCall, Watching
from bridge.wire.live import item_of
from pipeline.operating import ENDED_BY_OPERATOR, Act
from pipeline.supervisor import Supervisor

from .. import schemas
from ..api.interviews import json_body
from ..keys import STORE, SUPERVISOR
from . import bodies, stream
from .door import audited

WATCHING: web.AppKey[Watching] = web.AppKey("watching", Watching)
LIST_NOTED_SECONDS = 60.0
TOLD = {
    "say": "The person who runs this server speaks through the interviewer.",
    "end": "The person who runs this server is ending the interview. What you said is saved.",
}


# Looking ------------------------------------------------------------------------------------------------------------
@audited("calls.list", every_seconds=LIST_NOTED_SECONDS)
async def calls(request: web.Request) -> web.Response:
    """`GET /api/operator/calls` → `{calls: […], capacity}`; those that need attention first. Nothing anybody said is in it."""
    supervisor = request.app[SUPERVISOR]
    found = await request.app[WATCHING].look(datetime.now(UTC))
    return web.json_response({"calls": [call_json(call, supervisor) for call in found], "capacity": capacity(supervisor)})


def call_json(call: LiveCall, supervisor: Supervisor) -> dict[str, Any]:
    """A line of the list."""
    session, view = call.session, call.view
    return {
        "sessionId": session.id,
        "type": session.setup.type.value,
        "difficulty": session.setup.difficulty.value,
        "status": session.status.value,
        "engine": view.engine or session.engine,
        "connected": view.connected,
        "here": supervisor.leg(session.id) is not None,
        "question": {"n": view.n, "of": view.of or len(session.questions)},
        "elapsed": call.clock_ms // 1000,
        "total": call.total_ms // 1000,
        "cost": [
            {"amount": round(micros / 10_000), "micros": micros, "currency": currency} for currency, micros in call.cost.items()
        ],
        "responseMs": {"p50": call.response_p50_ms, "p95": call.response_p95_ms, "count": len(view.response.found)},
        "attention": [{"urgency": concern.urgency.name.lower(), "text": concern.text} for concern in call.concerns],
        "listeners": view.listeners,
        "startedAt": session.started_at.isoformat() if session.started_at else None,
    }


def capacity(supervisor: Supervisor) -> dict[str, Any]:
    """What this process holds and lets in."""
    return {
        "live": supervisor.count,
        "max": supervisor.max_calls,
        "paused": supervisor.paused,
        "draining": supervisor.draining,
        "stopping": supervisor.stopping,
        "readers": supervisor.feed.readers,
    }


@audited("calls.follow")
async def events(request: web.Request) -> web.StreamResponse:
    """`GET /api/operator/calls/{sessionId}/events`: history first, then what happens; `Last-Event-ID` (or `?after=`) goes on behind it."""
    feed = request.app[SUPERVISOR].feed
    return await stream.send(
        request, follow(request.app[STORE], feed, request.match_info["session_id"], stream.after_of(request))
    )


@audited("calls.download")
async def download(request: web.Request) -> web.StreamResponse:
    """`GET /api/operator/calls/{sessionId}/log`: the raw log, one JSON object a line."""
    session_id = request.match_info["session_id"]
    headers = {"Content-Disposition": f'attachment; filename="call-{session_id}.ndjson"'}
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **headers})
    await answer.prepare(request)
    after = 0
    while True:
        async with request.app[STORE].read() as tx:
            page = await tx.events(session_id, after=after, limit=500)
        if not page:
            return answer
        after = page[-1].seq
        lines = [f"{item_of(stored.event, stored.seq).json}\n" for stored in page]
        await answer.write("".join(lines).encode("utf-8", "replace"))


# Acting -------------------------------------------------------------------------------------------------------------
@audited("calls.whisper")
async def whisper(request: web.Request) -> web.Response:
    """`POST …/whisper` `{text}`: to the interviewer alone."""
    body = schemas.validate(bodies.Words, await json_body(request))
    return await _act(request, Act("whisper", text=body.text))


@audited("calls.say")
async def say(request: web.Request) -> web.Response:
    """`POST …/say` `{text}`: the interviewer speaks these words."""
    body = schemas.validate(bodies.Words, await json_body(request))
    return await _act(request, Act("say", text=body.text, told=TOLD["say"]))


@audited("calls.extend")
async def extend(request: web.Request) -> web.Response:
    """`POST …/extend` `{minutes}`: more time."""
    body = schemas.validate(bodies.Extension, await json_body(request))
    told = f"You have {body.minutes} more minute{'' if body.minutes == 1 else 's'}."
    return await _act(request, Act("extend", minutes=body.minutes, told=told))


@audited("calls.end")
async def end(request: web.Request) -> web.Response:
    """`POST …/end` `{now?}`: with a goodbye, or at once; also where nobody is connected."""
    body = schemas.validate(bodies.End, await json_body(request))
    session_id, supervisor = request.match_info["session_id"], request.app[SUPERVISOR]
    seq = await supervisor.operate(session_id, Act("end", told=TOLD["end"]))
    if seq is None:
        await _end_unheld(request, session_id)
    elif body.now:
        await supervisor.end(session_id, ENDED_BY_OPERATOR)
    return web.json_response({"ending": True, "seq": seq}, status=202)


async def _end_unheld(request: web.Request, session_id: str) -> None:
    async with request.app[STORE].read() as tx:
        session = await tx.session(session_id)
    if session is None or session.status in ENDED:
        raise Conflict("This interview is over already.")
    if session.started_at is None:
        raise Conflict("This interview has not begun. Its candidate can still start it.")
    if session.interrupted_at is None:
        raise Conflict("This call is just starting, or its server has stopped. Try again in a minute.")
    await calling.finish(request.app[STORE], session_id, ENDED_BY_OPERATOR, elapsed_ms=None, now=datetime.now(UTC))
    request.app[SUPERVISOR].feed.wake(session_id)


async def _act(request: web.Request, act: Act) -> web.Response:
    seq = await request.app[SUPERVISOR].operate(request.match_info["session_id"], act)
    if seq is None:
        raise Conflict("Nobody is connected to this interview at the moment, so there is no call to act in.")
    return web.json_response({"seq": seq} | {k: v for k, v in asdict(act).items() if v})


# This process -------------------------------------------------------------------------------------------------------
def _switch(action: str, change: Callable[[Supervisor], None]) -> Any:
    @audited(action)
    async def switch(request: web.Request) -> web.Response:
        await json_body(request)
        supervisor = request.app[SUPERVISOR]
        if supervisor.stopping:
            raise Conflict("This process is stopping.")
        change(supervisor)
        return web.json_response({"capacity": capacity(supervisor)})

    return switch


def _pause(supervisor: Supervisor) -> None:
    supervisor.paused = True


def _drain(supervisor: Supervisor) -> None:
    supervisor.draining = True


def _open(supervisor: Supervisor) -> None:
    supervisor.paused = supervisor.draining = False


pause = _switch("server.pause", _pause)
drain = _switch("server.drain", _drain)
undrain = _switch("server.undrain", _open)
