"""A call's items as server-sent events. Only this reader waits for its own socket. Read next: `bridge.usecases.live_feed`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from aiohttp import web

from bridge.wire.live import LiveItem

BEAT_SECONDS = 15.0
"""A stream that says nothing for so long sends a comment, so that nobody between takes it for dead."""
WRITE_SECONDS = 30.0
"""A reader whose buffers stay full for so long is let go; it comes back with the last id it saw."""
RETRY_MS = 1_000
MAX_ID = 2**31 - 1


def after_of(request: web.Request) -> int:
    """The id a reader saw last, by header or `?after=`; 0 for none, or for what can be none."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
    return min(int(text), MAX_ID) if text.isascii() and text.isdigit() and len(text) < 12 else 0


async def send(request: web.Request, items: AsyncGenerator[list[LiveItem], None]) -> web.StreamResponse:
    """Write until the items end or the reader is gone."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await stream.prepare(request)
    # Gone: the page was closed; or it has not read for so long that it must come back.
    with suppress(ConnectionResetError, TimeoutError):
        async with aclosing(items):
            await _write(stream, f"retry: {RETRY_MS}\n\n".encode())
            said = time.monotonic()
            async for batch in items:
                if batch:
                    said = time.monotonic()
                    await _write(stream, b"".join(item.sse for item in batch))
                elif time.monotonic() - said > BEAT_SECONDS:
                    said = time.monotonic()
                    await _write(stream, b": still here\n\n")
    return stream


async def _write(stream: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(WRITE_SECONDS):
        await stream.write(data)
