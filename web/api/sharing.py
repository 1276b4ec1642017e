"""`/api/interviews/{id}/share…`: give links to a report, list them, take them back (R-118)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.sharing import ShareLink
from bridge.usecases import sharing

from .. import schemas
from ..auth import user_id
from ..keys import STORE
from ..mailing import address
from .interviews import dump, json_body, rfc3339


def link_json(link: ShareLink, now: datetime) -> dict[str, Any]:
    """A link as its owner sees it later: without the address, which nobody knows any more."""
    return {
        "id": link.id,
        "createdAt": rfc3339(link.created_at),
        "expiresAt": rfc3339(link.expires_at),
        "revokedAt": rfc3339(link.revoked_at),
        "works": link.works(now),
        "hideName": link.hide_name,
        "hideTranscript": link.hide_transcript,
        "hideAudio": link.hide_audio,
    }


async def create(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/share` → 201."""
    wish = schemas.validate(schemas.ShareRequest, await json_body(request))
    link, token = await sharing.share(
        request.app[STORE],
        user_id(request),
        request.match_info["session_id"],
        days=wish.expires_in_days,
        hide_name=wish.hide_name,
        hide_transcript=wish.hide_transcript,
        hide_audio=wish.hide_audio,
        now=datetime.now(UTC),
    )
    body = schemas.ShareResponse(
        id=link.id,
        url=address(request.app, f"/share/{token}"),
        created_at=rfc3339(link.created_at) or "",
        expires_at=rfc3339(link.expires_at) or "",
        hide_name=link.hide_name,
        hide_transcript=link.hide_transcript,
        hide_audio=link.hide_audio,
    )
    return web.json_response(dump(body), status=201)


async def show(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/share`."""
    found = await sharing.links(request.app[STORE], user_id(request), request.match_info["session_id"])
    now = datetime.now(UTC)
    return web.json_response({"links": [link_json(link, now) for link in found]})


async def revoke(request: web.Request) -> web.Response:
    """`DELETE /api/interviews/{sessionId}/share/{shareId}`: closed from this moment on."""
    where = request.match_info
    await sharing.revoke(request.app[STORE], user_id(request), where["session_id"], where["share_id"], datetime.now(UTC))
    return web.json_response({"revoked": True})
