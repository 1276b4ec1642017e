"""`POST /api/webhooks/vapi` and `POST /api/vapi/tools`: Vapi's server messages, the document's flat events, and live tool calls (R-051…R-057, C-15…C-26).

Authenticated on the raw bytes, fail closed; kept in the inbox before the 200; tool calls are answered with 200 whatever they hold. Read next: `bridge.usecases.engine_calls`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from loguru import logger

from bridge.domain.upstream import Delivery, ToolCall, ToolsCalled
from bridge.errors import BadSignature, InvalidInput
from bridge.usecases import engine_calls, tool_calls
from bridge.wire import vapi_auth, vapi_keeping, vapi_messages

from ..auth import public
from ..keys import STORE, SUPERVISOR, VAPI_AUTH
from .bodies import read_raw

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A report repeats the whole history (vapi-protocol §4)."""
LARGE_BODY_BYTES = 64 * 1024
KEEP_SECONDS = 0.5
ANSWER_SECONDS = 4.0
"""A live leg answers within 2.5 s; Vapi's interviewer falls silent at 5 (§4.3)."""
PROVIDER = "vapi"
FAILED = "That did not work. Go on with the question you have."
TOO_MANY = "Too many tool calls. Go on with the question you have."
RECEIVED = {"received": True}
NOT_OFFERED = {
    "assistant-request": {"error": "This number does not take calls."},
    "transfer-destination-request": {"error": "Transfers are not supported."},
    "handoff-destination-request": {"error": "Hand-offs are not supported."},
    "knowledge-base-request": {},
    "voice-request": {},
    "call.endpointing.request": {},
}
"""Requests that want an answer of their own (§4.1)."""
LIMIT = parse("600/minute")
"""Messages a single call may send (C-53)."""
_limiter = MovingWindowRateLimiter(MemoryStorage())
_known_calls = tool_calls.KnownCalls()


@public
async def receive(request: web.Request) -> web.Response:
    """Any message of Vapi's."""
    delivery = await _delivery(request)
    calls = _tool_calls(delivery)
    if calls:
        return await _results(request, delivery, calls)
    if not await _is_within_limit(delivery):
        raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
    await engine_calls.receive(request.app[STORE], PROVIDER, delivery, datetime.now(UTC))
    return web.json_response(NOT_OFFERED.get(delivery.type, RECEIVED))


@public
async def tools(request: web.Request) -> web.Response:
    """Tool calls alone: the answer is always 200 with `results`, as anything else would be ignored."""
    try:
        delivery = await _delivery(request)
    except InvalidInput as error:
        logger.warning("A tool call could not be read: {}", error.message)
        return web.json_response({"results": []})
    return await _results(request, delivery, _tool_calls(delivery))


async def _delivery(request: web.Request) -> Delivery:
    raw = await _authenticated(request)
    if len(raw) > LARGE_BODY_BYTES:
        # In a thread: reading a long history takes longer than a frame of audio may wait.
        return await asyncio.to_thread(_parse, raw)
    return _parse(raw)


def _parse(raw: bytes) -> Delivery:
    return vapi_messages.parse_delivery(vapi_keeping.read_object(raw))


def _tool_calls(delivery: Delivery) -> list[ToolCall]:
    return [call for message in delivery.messages if isinstance(message, ToolsCalled) for call in message.calls]


async def _is_within_limit(delivery: Delivery) -> bool:
    return delivery.call_id is None or await _limiter.hit(LIMIT, delivery.call_id)


async def _results(request: web.Request, delivery: Delivery, calls: Sequence[ToolCall]) -> web.Response:
    """Every call's answer; the webhook is kept behind it, and only where that does not hold the answer up: the log holds it."""
    if not await _is_within_limit(delivery):
        return web.json_response(vapi_messages.tool_results([(call, None, TOO_MANY) for call in calls]))
    answers = await asyncio.gather(*(_answer(request, delivery, call) for call in calls))
    if calls:
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await engine_calls.receive(request.app[STORE], PROVIDER, delivery, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - The interviewer waits for the answer, whatever the disk does.
            logger.error("A tool call was answered but its webhook not kept: {}", type(error).__name__)
    return web.json_response(vapi_messages.tool_results(answers))


async def _answer(request: web.Request, delivery: Delivery, call: ToolCall) -> tool_calls.Answer:
    """One answer; whatever fails in one does not fail the others."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            supervisor = request.app[SUPERVISOR]
            answer = await tool_calls.answer(
                request.app[STORE],
                supervisor.live_tools,
                PROVIDER,
                delivery.call_id,
                call,
                known_calls=_known_calls,
                elsewhere=supervisor.neighbours.tool,
            )
    except Exception as error:  # noqa: BLE001 - A failed tool call is told in-band: any other status would be ignored (§4.3)
        logger.opt(exception=True).error("A tool call failed: {}", type(error).__name__)
        answer = call, None, FAILED
    logger.debug("Tool {} answered in {} ms", call.name[:64], int((time.monotonic() - began) * 1000))
    return answer


async def _authenticated(request: web.Request) -> bytes:
    """The raw body of an authenticated request. 404 where Vapi is not set up at all."""
    auth = request.app.get(VAPI_AUTH)
    if auth is None:
        raise web.HTTPNotFound
    raw = await read_raw(request, MAX_BODY_BYTES)
    try:
        vapi_auth.verify(request.headers, raw, secrets=auth.secrets, scheme=auth.scheme, now=time.time())
    except BadSignature as error:
        logger.warning("A webhook was refused: {}", error.message)
        raise BadSignature("The request is not authenticated.") from None
    return raw
