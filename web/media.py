"""Sends a recording or an archive that is encrypted where it lies: whole, or the range asked for, decrypting no more than that (R-053, R-112)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from bridge.ports import Recording

PIECE_BYTES = 256 * 1024


async def send(request: web.Request, found: Recording, *, disposition: str) -> web.StreamResponse:
    """200 with all of it, 206 with a part, 416 with the size when the range makes no sense. Closes `found`."""
    try:
        return await _send(request, found, disposition)
    finally:
        await asyncio.to_thread(found.close)


async def _send(request: web.Request, found: Recording, disposition: str) -> web.StreamResponse:
    size = found.size
    headers = {"Accept-Ranges": "bytes", "Content-Type": found.media_type, "Content-Disposition": disposition}
    span = _span(request, size)
    if span is None:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, stop = span
    part = "Range" in request.headers
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    response.content_length = stop - start
    # Before the first byte goes out: what cannot be decrypted is then an error in our shape.
    first = await asyncio.to_thread(found.read, start, min(stop, start + PIECE_BYTES))
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    # A player that was closed, or that asks for another place, lets go of what it asked for first.
    with suppress(ConnectionError):
        await response.write(first)
        for at in range(start + PIECE_BYTES, stop, PIECE_BYTES):
            await response.write(await asyncio.to_thread(found.read, at, min(stop, at + PIECE_BYTES)))
        await response.write_eof()
    return response


def _span(request: web.Request, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None when there is nothing like it."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    start, stop = asked.start, asked.stop
    if start is None and stop is None:
        return 0, size
    start = start or 0
    if start < 0:
        return max(0, size + start), size
    stop = size if stop is None else min(stop, size)
    return (start, stop) if start < stop else None
