"""The candidate's audio socket: origin, wire, token, then over to the supervisor (contract §5).

A missing Origin is a client that is no browser and must hold a token all the same; a foreign one is refused with 403 before the upgrade.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from loguru import logger

from bridge.clients.heartbeat import SeldomReset
from bridge.errors import AtCapacity, BadTicket, ConsentNeeded, PrepkitError, Refused
from bridge.wire.candidate import (
    CLOSE_BAD_TOKEN,
    CLOSE_POLICY,
    CLOSE_RESTARTING,
    CLOSE_UPSTREAM_LOST,
    MAX_TEXT_BYTES,
    PCM_PROTOCOL,
    PcmWire,
    Wire,
)
from pipeline.leg import Leg

from .aiohttp_socket import CLOSE_TIMEOUT_SECONDS, AiohttpSocket
from .auth import public
from .keys import ORIGINS, SUPERVISOR

HEARTBEAT_SECONDS = 10
LOOK_EVERY_BYTES = 4 * 1024
"""Who sends and waits looks this often whether the peer's buffer is full."""


class AudioWebSocket(SeldomReset, web.WebSocketResponse):
    """The candidate's end of a call."""


@public
async def candidate(request: web.Request) -> web.WebSocketResponse:
    """`GET /ws/interviews/{sessionId}?token=…`."""
    offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return await _hold(request, PcmWire if PCM_PROTOCOL in offered else _protobuf)


@public
async def evaluator(request: web.Request) -> web.WebSocketResponse:
    """`GET /eval/interviews/{sessionId}?token=…`, for pipecat's evals harness; only there when the application was made for it."""
    return await _hold(request, _evals)


def _protobuf() -> Wire:
    # Of pipecat, like everything that only a call needs (`pipeline.loading`).
    from pipeline.protobuf_wire import ProtobufWire  # noqa: PLC0415

    return ProtobufWire()


def _evals() -> Wire:
    from pipeline.eval_wire import EvalWire  # noqa: PLC0415 - as above

    return EvalWire()


async def _hold(request: web.Request, make_wire: Callable[[], Wire]) -> web.WebSocketResponse:
    origin = request.headers.get("Origin")
    if origin is not None and origin not in request.app[ORIGINS]:
        raise Refused("The socket may only be opened by this server's own pages.")
    # Compression is refused: it buys nothing for audio and lets a small message grow.
    ws = AudioWebSocket(
        protocols=(PCM_PROTOCOL,),
        heartbeat=HEARTBEAT_SECONDS,
        max_msg_size=MAX_TEXT_BYTES,
        compress=False,
        timeout=CLOSE_TIMEOUT_SECONDS,
        writer_limit=LOOK_EVERY_BYTES,
    )
    await ws.prepare(request)
    socket = AiohttpSocket(ws, request.transport)
    supervisor = request.app[SUPERVISOR]
    session_id = request.match_info["session_id"]
    try:
        await supervisor.loading.done()
        await supervisor.hold(session_id, request.query.get("token", ""), Leg(socket, make_wire()))
    except BadTicket:
        await socket.close(CLOSE_BAD_TOKEN, "bad token")
    except ConsentNeeded:
        await socket.close(CLOSE_POLICY, "consent_required")
    except AtCapacity:
        await socket.close(CLOSE_RESTARTING, "at capacity; try again")
    except PrepkitError as error:
        # No voice, or recordings that cannot be opened with this server's keys.
        logger.error("A call could not be started: {}", error.message)
        await socket.close(CLOSE_UPSTREAM_LOST, "this server cannot hold the call")
    return ws
