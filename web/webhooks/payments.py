"""`POST /api/webhooks/stripe` and `/api/webhooks/razorpay`: authenticated on the raw bytes, kept in the inbox before the 200 (A6, M1…M5).

What an event says is never believed: a job asks the provider. Without that provider there is no door. Read next: `bridge.usecases.checkout`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from loguru import logger

from bridge.errors import BadSignature, InvalidInput
from bridge.usecases import checkout

from ..auth import public
from ..payments import SHOP
from .bodies import read_raw

MAX_BODY_BYTES = 1024 * 1024


@public
async def receive(request: web.Request) -> web.Response:
    """An event of the provider named in the path. 404 where it is not the one in use."""
    shop = request.app.get(SHOP)
    if shop is None or shop.gateway.name != request.path.rsplit("/", 1)[-1]:
        raise web.HTTPNotFound
    raw = await read_raw(request, MAX_BODY_BYTES)
    try:
        await checkout.receive(shop, request.headers, raw, datetime.now(UTC))
    except BadSignature as error:
        logger.warning("A payment event was refused: {}", error.message)
        # 400, as the providers' own guides answer: it is not tried again for days.
        raise InvalidInput("The event is not authenticated.") from None
    return web.json_response({"received": True})
