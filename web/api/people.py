"""`/api/people`, `/api/invites`: who has an account and who may make one, for admins (R-135, C-37)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bridge.domain.account import Account, Role
from bridge.domain.sign_in import Invite
from bridge.errors import InvalidInput
from bridge.usecases import people

from .. import account_schemas, schemas
from ..accounts import public_url
from ..auth import by_hand, current, require, send_off
from ..keys import SETTINGS, STORE
from .interviews import json_body, rfc3339


def person_json(account: Account) -> dict[str, Any]:
    """A person as an admin sees them."""
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role.value,
        "createdAt": rfc3339(account.created_at),
        "disabledAt": rfc3339(account.disabled_at),
    }


def invite_json(invite: Invite, now: datetime) -> dict[str, Any]:
    """An invitation, without its code."""
    return {
        "id": invite.id,
        "note": invite.note,
        "role": invite.role.value,
        "places": invite.places,
        "taken": invite.taken,
        "createdAt": rfc3339(invite.created_at),
        "expiresAt": rfc3339(invite.expires_at),
        "works": invite.works(now),
    }


@require(Role.ADMIN)
async def everybody(request: web.Request) -> web.Response:
    """`GET /api/people`."""
    async with request.app[STORE].begin() as tx:
        await tx.audit(current(request).id, "people.list")
        found = await tx.accounts()
    return web.json_response({"people": [person_json(account) for account in found]})


@by_hand
@require(Role.ADMIN)
async def change(request: web.Request) -> web.Response:
    """`PATCH /api/people/{user_id}`."""
    wish = schemas.validate(account_schemas.PersonRequest, await json_body(request))
    if wish.role is None and wish.disabled is None:
        raise InvalidInput("Say what changes: role, disabled.")
    store, actor, user_id, now = request.app[STORE], current(request).id, request.match_info["user_id"], datetime.now(UTC)
    account = None
    if wish.role is not None:
        account = await people.set_role(store, actor, user_id, wish.role, now)
    if wish.disabled is not None:
        account = await people.set_disabled(store, actor, user_id, disabled=wish.disabled, now=now)
    assert account is not None  # noqa: S101 - One of the two was asked for.
    if account.disabled_at is not None:
        await send_off(request.app, account.id)
    return web.json_response(person_json(account))


@require(Role.ADMIN)
async def invites(request: web.Request) -> web.Response:
    """`GET /api/invites`."""
    async with request.app[STORE].read() as tx:
        found = await tx.invites()
    return web.json_response({"invites": [invite_json(invite, datetime.now(UTC)) for invite in found]})


@by_hand
@require(Role.ADMIN)
async def invite(request: web.Request) -> web.Response:
    """`POST /api/invites`."""
    wish = schemas.validate(account_schemas.InviteRequest, await json_body(request))
    now = datetime.now(UTC)
    made, code = await people.invite(
        request.app[STORE],
        current(request).id,
        note=wish.note,
        role=wish.role,
        places=wish.places,
        days=wish.expires_in_days,
        now=now,
    )
    url = f"{public_url(request.app[SETTINGS])}/register#{quote(code)}"
    return web.json_response(invite_json(made, now) | {"code": code, "url": url}, status=201)


@by_hand
@require(Role.ADMIN)
async def revoke_invite(request: web.Request) -> web.Response:
    """`DELETE /api/invites/{invite_id}`."""
    await people.revoke_invite(request.app[STORE], current(request).id, request.match_info["invite_id"], datetime.now(UTC))
    return web.json_response({"revoked": True})
