"""Which version of a report is asked for (C-33). Read next: `report`, which lists them."""

from __future__ import annotations

from aiohttp import web

from bridge.errors import InvalidInput, NotFound
from bridge.ports import StoredReport, Tx


async def chosen(request: web.Request, tx: Tx, session_id: str) -> StoredReport | None:
    """The version that is asked for, else the newest. Raises InvalidInput, NotFound."""
    wanted = request.query.get("version")
    if wanted is None:
        return await tx.report(session_id)
    if not wanted.isdecimal() or len(wanted) > 6:
        raise InvalidInput("A version is a number: 1, 2, 3 …")
    found = next((stored for stored in await tx.reports(session_id) if stored.version == int(wanted)), None)
    if found is None:
        raise NotFound("There is no such version of this report.")
    return found
