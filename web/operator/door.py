"""The operators' door: every use of it is a line in the audit log before anything is shown or done (A17).

A handler behind `audited` cannot be reached without its line, and a session's lines are what its candidate can see. Read next: `api`,
`bridge.usecases.access`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from bridge.domain.account import Role
from bridge.usecases.access import get_session_for

from ..auth import current, require
from ..keys import STORE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOTED: web.AppKey[dict[tuple[str, str], float]] = web.AppKey("operator_noted", dict)
"""When a look that repeats by itself was last noted, by person and action."""
AUDITED = "__audited__"
"""Attribute of a handler: the action its uses are noted under."""


def audited(action: str, *, role: Role = Role.OPERATOR, every_seconds: float = 0.0) -> Callable[[Handler], Handler]:
    """A door for a role. `every_seconds`: a page that asks again by itself is noted once in so long; only for looks without a session."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def door(request: web.Request) -> web.StreamResponse:
            await _note(request, action, role, every_seconds)
            return await handler(request)

        setattr(door, AUDITED, action)
        return require(role)(door)

    return wrap


async def _note(request: web.Request, action: str, role: Role, every_seconds: float) -> None:
    person, session_id = current(request), request.match_info.get("session_id")
    key, now = (person.id, action), time.monotonic()
    if every_seconds and now - request.app[NOTED].get(key, float("-inf")) < every_seconds:
        return
    async with request.app[STORE].begin() as tx:
        if session_id is None:
            await tx.audit(person.id, action)
        else:
            await get_session_for(tx, person, session_id, role=role, action=action)
    if every_seconds:
        request.app[NOTED][key] = now
