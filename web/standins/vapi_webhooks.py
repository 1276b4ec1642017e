"""Delivery of webhooks: in order, once, never again; or late, doubled, shuffled or not at all when a fault says so.

Headers are those Vapi sends: the server's own, `x-call-id`, an empty `x-vapi-secret` where no secret is attached, and a signature when it signs.
Read next: `vapi_report`, what the bodies hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from .vapi_faults import Faults, Manner
from .vapi_parts import Server

SECRET_HEADER = "x-vapi-secret"  # noqa: S105 - a header, not a secret


@dataclass
class Webhook:
    """One POST and what came of it."""

    type: str
    url: str
    body: dict[str, Any]
    headers: dict[str, str]
    status: int | None = None
    """None until answered, and for ever when nobody did."""
    answer: str = ""
    seconds: float = 0.0
    error: str | None = None
    sent_at: float = field(default_factory=time.monotonic)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `{timestamp}.{body}`, in hex."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class PostOffice:
    """The webhooks of one call. `sent` keeps every POST."""

    def __init__(self, call_id: str, http: aiohttp.ClientSession, manner: Manner, faults: Callable[[], Faults]) -> None:
        self.sent: list[Webhook] = []
        self._call_id = call_id
        self._http = http
        self._manner = manner
        self._faults = faults
        self._queue: asyncio.Queue[tuple[float, Server, dict[str, Any]]] = asyncio.Queue()
        self._held: list[tuple[float, Server, dict[str, Any]]] = []

    def put(self, server: Server | None, body: dict[str, Any]) -> None:
        """Deliver in order, after what was put before; nothing without a URL."""
        faults = self._faults()
        if server is None or server.url is None or faults.no_webhooks:
            return
        item = (time.monotonic() + faults.late_webhooks, server, body)
        copies = [item] * (2 if faults.duplicate_webhooks else 1)
        if faults.shuffle_webhooks is None:
            self._put(copies)
        else:
            self._held += copies

    def release(self) -> None:
        """Deliver what was kept back, in an order drawn with the seed."""
        # No secret: an order that can be repeated is wanted.
        random.Random(self._faults().shuffle_webhooks or 0).shuffle(self._held)  # noqa: S311
        self._put(self._held)
        self._held = []

    def _put(self, items: list[tuple[float, Server, dict[str, Any]]]) -> None:
        for item in items:
            self._queue.put_nowait(item)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            due, server, body = await self._queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.post(server, body)

    async def post(self, server: Server, body: dict[str, Any]) -> Webhook:
        """POST now and wait for the answer."""
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        inner = body.get("message", body)
        webhook = Webhook(inner["type"], server.url or "", body, self._headers(server, data))
        self.sent.append(webhook)
        try:
            async with (
                asyncio.timeout(server.timeout_seconds),
                self._http.post(webhook.url, data=data, headers=webhook.headers) as response,
            ):
                webhook.answer = await response.text(errors="replace")
                webhook.status = response.status
        except TimeoutError:
            webhook.error = "timeout"
        except aiohttp.ClientError as error:
            webhook.error = type(error).__name__
        webhook.seconds = time.monotonic() - webhook.sent_at
        return webhook

    def _headers(self, server: Server, data: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "x-call-id": self._call_id, **(server.headers or {})}
        if SECRET_HEADER not in (name.lower() for name in headers):
            headers[SECRET_HEADER] = server.secret or ""
        if secret := self._manner.hmac_secret:
            now = int(time.time())
            headers |= {"x-vapi-timestamp": str(now), "x-vapi-signature": sign(secret, now, data)}
        return headers
