"""`POST /api/interviews/documents`: the text of an uploaded CV or job description; nothing is stored (R-014)."""

from __future__ import annotations

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from bridge.errors import InvalidInput

from .. import documents, schemas

FIELD = "file"
MAX_PARTS = 8


async def read(request: web.Request) -> web.Response:
    """Multipart form with one `file` → `{text, pages, truncated}`."""
    if request.content_type != "multipart/form-data":
        raise InvalidInput("Send the file as multipart/form-data.")
    try:
        data = await _file(request)
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError):
        # How aiohttp's reader says that the form is not one.
        raise InvalidInput("The form cannot be read.") from None
    if data is None:
        raise documents.problem("Choose a PDF.")
    found = await documents.read_pdf(data, request.app[documents.READERS])
    body = schemas.DocumentResponse(text=found.text, pages=found.pages, truncated=found.truncated)
    return web.json_response(body.model_dump(by_alias=True))


async def _file(request: web.Request) -> bytes | None:
    """The bytes of the first part with our name, up to one more than may be."""
    reader = await request.multipart()
    for _ in range(MAX_PARTS):
        part = await reader.next()
        if part is None:
            return None
        if isinstance(part, BodyPartReader) and part.name == FIELD:
            data = bytearray()
            while len(data) <= documents.MAX_PDF_BYTES and (chunk := await part.read_chunk()):
                data += chunk
            return bytes(data)
    return None
