"""The raw bytes of a webhook, as they were signed, and no more of them than a webhook may have (B6)."""

from __future__ import annotations

from aiohttp import web

from bridge.errors import InvalidInput

CHUNK_BYTES = 64 * 1024


async def read_raw(request: web.Request, at_most: int) -> bytes:
    """The body in bytes, unpacked. Raises InvalidInput, and 413 for one of more than `at_most`."""
    raw = bytearray()
    try:
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            raw += chunk
            if len(raw) > at_most:
                raise web.HTTPRequestEntityTooLarge(max_size=at_most, actual_size=len(raw))
    except web.RequestPayloadError:
        raise InvalidInput("The body cannot be unpacked as its Content-Encoding says.") from None
    return bytes(raw)
