"""`GET /ws/operator/calls/{sessionId}/listen`: both sides of a live call as sound; audible to nobody, seen by the candidate (M7).

Each binary message is interleaved PCM16 at 16 kHz, candidate left, interviewer right, about two seconds behind the call. Listening is an
event of the call, when it begins and when it ends. Read next: `pipeline.watch`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from bridge.errors import Conflict, Refused
from pipeline.operating import Act

from ..keys import ORIGINS, SETTINGS, SUPERVISOR
from .door import audited

if TYPE_CHECKING:
    from pipeline.call import CallLeg

LISTENING = "An operator is listening to this interview."
STOPPED = "The operator has stopped listening."


@audited("calls.listen")
async def listen(request: web.Request) -> web.StreamResponse:
    """Until the call or the operator's page is gone."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in request.app[ORIGINS]:
        raise Refused("The socket may only be opened by this server's own pages.")
    leg = request.app[SUPERVISOR].leg(request.match_info["session_id"])
    if leg is None:
        raise Conflict("Nobody is connected to this interview here at the moment, so there is nothing to hear.")
    told = request.app[SETTINGS].tell_listening
    await leg.operate(Act("listen", told=LISTENING if told else ""))
    ws = web.WebSocketResponse(compress=False, heartbeat=15, max_msg_size=1024)
    try:
        await ws.prepare(request)
        await _hear(ws, leg)
    finally:
        # The call may be over by now; its end is the end of listening too.
        with suppress(Conflict):
            await asyncio.shield(leg.operate(Act("listen-end", told=STOPPED if told else "")))
    return ws


async def _hear(ws: web.WebSocketResponse, leg: CallLeg) -> None:
    with leg.watch.listen() as sound:
        sending = asyncio.create_task(_send(ws, sound))
        try:
            async for message in ws:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _send(ws: web.WebSocketResponse, sound: asyncio.Queue[bytes]) -> None:
    with suppress(ConnectionResetError):
        while frames := await sound.get():
            await ws.send_bytes(frames)
    await ws.close(code=1000, message=b"the call is over")
