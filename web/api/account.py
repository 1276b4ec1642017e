"""`/api/me…`: one's own account, where one is signed in, API tokens, password. A token may read the account and change nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bridge.domain.account import Account, Person
from bridge.domain.sign_in import ApiToken, Login
from bridge.errors import NotFound
from bridge.usecases import people, sign_in

from .. import account_schemas, limiting, schemas
from ..accounts import hasher
from ..auth import by_hand, current, send_off
from ..keys import SETTINGS, STORE
from .interviews import dump, json_body, rfc3339
from .sign_in import caller, signed_in


def me_json(request: web.Request, account: Account, person: Person) -> web.Response:
    """The account that asks."""
    body = account_schemas.Me(
        id=account.id,
        email=account.email,
        name=account.name,
        role=account.role,
        created_at=rfc3339(account.created_at) or "",
        auth_mode=request.app[SETTINGS].auth_mode.value,
        scopes=sorted(person.scopes) if person.scopes is not None else None,
    )
    return web.json_response(dump(body))


def login_json(login: Login, person: Person) -> dict[str, Any]:
    """A sign-in as its owner sees it."""
    return {
        "id": login.id,
        "method": login.method,
        "agent": login.agent,
        "createdAt": rfc3339(login.created_at),
        "seenAt": rfc3339(login.seen_at),
        "current": login.id == person.login_id,
    }


def token_json(token: ApiToken, now: datetime) -> dict[str, Any]:
    """A token as its owner sees it."""
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": sorted(token.scopes),
        "createdAt": rfc3339(token.created_at),
        "expiresAt": rfc3339(token.expires_at),
        "usedAt": rfc3339(token.used_at),
        "works": token.works(now),
    }


async def show(request: web.Request) -> web.Response:
    """`GET /api/me`."""
    person = current(request)
    return me_json(request, person.account, person)


@by_hand
async def rename(request: web.Request) -> web.Response:
    """`PATCH /api/me`."""
    wish = schemas.validate(account_schemas.NameRequest, await json_body(request))
    person = current(request)
    return me_json(request, await people.rename(request.app[STORE], person.id, wish.name), person)


@by_hand
async def password(request: web.Request) -> web.Response:
    """`POST /api/me/password`: this browser stays in, every other one is out."""
    made, person = hasher(request), current(request)
    wish = schemas.validate(account_schemas.PasswordRequest, await json_body(request))
    await request.app[limiting.LIMITS].count(limiting.SIGN_IN, "password", person.id)
    done = await sign_in.change_password(
        request.app[STORE], made, person, wish.current, wish.password, caller(request), datetime.now(UTC)
    )
    await send_off(request.app, person.id)
    return signed_in(request, done)


@by_hand
async def logins(request: web.Request) -> web.Response:
    """`GET /api/me/logins`."""
    person, now = current(request), datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        found = await tx.logins(person.id)
    return web.json_response({"logins": [login_json(login, person) for login in found if login.works(now)]})


@by_hand
async def revoke_login(request: web.Request) -> web.Response:
    """`DELETE /api/me/logins/{login_id}`."""
    person = current(request)
    if not await sign_in.sign_out(request.app[STORE], person, datetime.now(UTC), login_id=request.match_info["login_id"]):
        raise NotFound("There is no such sign-in.")
    await send_off(request.app, person.id)
    return web.json_response({"revoked": True})


@by_hand
async def tokens(request: web.Request) -> web.Response:
    """`GET /api/me/tokens`."""
    now = datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        found = await tx.api_tokens(current(request).id)
    return web.json_response({"tokens": [token_json(token, now) for token in found if token.revoked_at is None]})


@by_hand
async def make_token(request: web.Request) -> web.Response:
    """`POST /api/me/tokens`."""
    wish = schemas.validate(account_schemas.TokenRequest, await json_body(request))
    now = datetime.now(UTC)
    until = now + timedelta(days=wish.expires_in_days) if wish.expires_in_days else None
    token, secret = await sign_in.make_api_token(
        request.app[STORE], current(request).id, wish.name, frozenset(wish.scopes), now, expires_at=until
    )
    return web.json_response(token_json(token, now) | {"token": secret}, status=201)


@by_hand
async def revoke_token(request: web.Request) -> web.Response:
    """`DELETE /api/me/tokens/{token_id}`."""
    await sign_in.revoke_api_token(request.app[STORE], current(request).id, request.match_info["token_id"], datetime.now(UTC))
    return web.json_response({"revoked": True})
