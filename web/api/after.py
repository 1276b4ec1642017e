"""`/api/interviews/{id}/feedback` and `…/visits`: what its owner says of an interview, and what operators did with it (R-135, M7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bridge.domain.figures import Feedback
from bridge.usecases import calling, feedback

from .. import schemas
from ..auth import user_id
from ..keys import STORE
from .interviews import json_body, rfc3339

MAX_COMMENT = 2_000


class Rating(schemas.Model):
    """A rating of an interview."""

    rating: int = Field(ge=1, le=5, strict=True)
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""


def feedback_json(given: Feedback | None) -> dict[str, Any]:
    """As its owner and operators see it."""
    return {"feedback": {"rating": given.rating, "comment": given.comment, "at": rfc3339(given.at)} if given else None}


async def rate(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/feedback` `{rating, comment?}`: once more replaces it."""
    session_id, now = request.match_info["session_id"], datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        await calling.owned(tx, user_id(request), session_id)
    body = schemas.validate(Rating, await json_body(request))
    given = await feedback.give(request.app[STORE], user_id(request), session_id, body.rating, body.comment.strip(), now)
    return web.json_response(feedback_json(given))


async def rated(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/feedback` → `{feedback}` or null in it."""
    return web.json_response(
        feedback_json(await feedback.given(request.app[STORE], user_id(request), request.match_info["session_id"]))
    )


async def visits(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/visits` → `{visits: [{at, who, action, words}]}`: what operators did, newest first."""
    found = await feedback.visits(request.app[STORE], user_id(request), request.match_info["session_id"])
    shown = [{"at": rfc3339(visit.at), "who": visit.who, "action": visit.action, "words": visit.words} for visit in found]
    return web.json_response({"visits": shown})
