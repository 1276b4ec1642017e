"""`POST /api/auth/oidc` and `/auth/callback`: to the organisation's sign-in and back (R-002).

The way back is the one GET that signs somebody in: the provider sends the browser there. It does so only with a `state` that this very browser
left with, once.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from aiohttp import web

from bridge.errors import NotFound
from bridge.ports import OpenIdProvider
from bridge.usecases import openid
from bridge.usecases.sign_in import TOKEN_BYTES

from .. import account_schemas, cookies, limiting, schemas
from ..account_pages import safe_next
from ..accounts import PROVIDER, public_url
from ..auth import public
from ..keys import SETTINGS, STORE
from .interviews import json_body
from .sign_in import caller

CALLBACK = "/auth/callback"


def _provider(request: web.Request) -> OpenIdProvider:
    provider = request.app[PROVIDER]
    if provider is None:
        raise NotFound("This server has no sign-in provider.")
    return provider


@public
async def leave(request: web.Request) -> web.Response:
    """`POST /api/auth/oidc`."""
    provider, settings = _provider(request), request.app[SETTINGS]
    wish = schemas.validate(account_schemas.OidcRequest, await json_body(request))
    await request.app[limiting.LIMITS].count(limiting.SIGN_IN, "sign-in address", limiting.visitor(request))
    browser = secrets.token_urlsafe(TOKEN_BYTES)
    redirect_uri = public_url(settings) + CALLBACK
    url = await openid.leave(request.app[STORE], provider, browser, safe_next(wish.next), redirect_uri, datetime.now(UTC))
    response = web.json_response({"url": url})
    cookies.put(request, response, cookies.BROWSER, browser)
    return response


@public
async def come_back(request: web.Request) -> web.Response:
    """`GET /auth/callback`."""
    provider, settings = _provider(request), request.app[SETTINGS]
    done, wanted = await openid.come_back(
        request.app[STORE],
        provider,
        state=request.query.get("state", ""),
        code=request.query.get("code", ""),
        browser=cookies.read(request, cookies.BROWSER),
        redirect_uri=public_url(settings) + CALLBACK,
        groups_claim=settings.oidc_groups_claim,
        roles=settings.roles_by_group,
        caller=caller(request),
        now=datetime.now(UTC),
    )
    response = web.Response(status=303, headers={"Location": wanted})
    cookies.put(request, response, cookies.LOGIN, done.token)
    cookies.drop(request, response, cookies.BROWSER)
    return response
