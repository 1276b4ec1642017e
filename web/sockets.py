"""The candidate's audio socket: origin, wire, token, then over to the supervisor (contract §5).

A missing Origin is a client that is no browser and must hold a token all the same; a foreign one is refused with 403 before the upgrade.
"""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web
from loguru import logger

from bridge.errors import AtCapacity, BadTicket, Refused, VoiceUnavailable
from bridge.wire.candidate import (
    CLOSE_BAD_TOKEN,
    CLOSE_RESTARTING,
    CLOSE_UPSTREAM_LOST,
    MAX_TEXT_BYTES,
    PCM_PROTOCOL,
    PcmWire,
    Wire,
)
from pipeline.eval_wire import EvalWire
from pipeline.leg import Leg
from pipeline.protobuf_wire import ProtobufWire

from .keys import ORIGINS, SUPERVISOR

HEARTBEAT_SECONDS = 10
CLOSE_TIMEOUT_SECONDS = 2


class AiohttpSocket:
    """`pipeline.leg.Socket` over an aiohttp websocket."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self._ws = ws

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""
        return self._ws.closed

    async def receive(self) -> str | bytes | None:
        """The next message, or None once closed."""
        message = await self._ws.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data: str | bytes = message.data
            return data
        return None

    async def send(self, data: str | bytes) -> None:
        """Send. Raises ConnectionError when the peer is gone."""
        if isinstance(data, str):
            await self._ws.send_str(data)
        else:
            await self._ws.send_bytes(data)

    async def close(self, code: int, reason: str) -> None:
        """Close with a bounded wait."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            logger.debug("A socket did not finish its closing handshake in time")


async def candidate(request: web.Request) -> web.WebSocketResponse:
    """`GET /ws/interviews/{sessionId}?token=…`."""
    offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return await _hold(request, PcmWire() if PCM_PROTOCOL in offered else ProtobufWire())


async def evaluator(request: web.Request) -> web.WebSocketResponse:
    """`GET /eval/interviews/{sessionId}?token=…`, for pipecat's evals harness; only there when the application was made for it."""
    return await _hold(request, EvalWire())


async def _hold(request: web.Request, wire: Wire) -> web.WebSocketResponse:
    origin = request.headers.get("Origin")
    if origin is not None and origin not in request.app[ORIGINS]:
        raise Refused("The socket may only be opened by this server's own pages.")
    # Compression is refused: it buys nothing for audio and lets a small message grow.
    ws = web.WebSocketResponse(
        protocols=(PCM_PROTOCOL,),
        heartbeat=HEARTBEAT_SECONDS,
        max_msg_size=MAX_TEXT_BYTES,
        compress=False,
        timeout=CLOSE_TIMEOUT_SECONDS,
    )
    await ws.prepare(request)
    socket = AiohttpSocket(ws)
    supervisor = request.app[SUPERVISOR]
    session_id = request.match_info["session_id"]
    try:
        await supervisor.hold(session_id, request.query.get("token", ""), Leg(socket, wire))
    except BadTicket:
        await socket.close(CLOSE_BAD_TOKEN, "bad token")
    except VoiceUnavailable as error:
        logger.error("A call could not be started: {}", error.message)
        await socket.close(CLOSE_UPSTREAM_LOST, "no voice on this server")
    except AtCapacity:
        await socket.close(CLOSE_RESTARTING, "at capacity; try again")
    return ws
