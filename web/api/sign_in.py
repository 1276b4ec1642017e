"""`/api/auth/…`: come in and go out (R-002). Attempts are counted by what is tried and by where from (A14); the cookie is set here and nowhere else."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from aiohttp import web

from bridge.config import SignUp
from bridge.domain.sign_in import Purpose
from bridge.errors import Refused
from bridge.usecases import sign_in
from bridge.usecases.calling import hash_token

from .. import account_schemas, cookies, limiting, schemas
from ..accounts import ask_letter, hasher
from ..auth import by_hand, current, public, send_off
from ..keys import SETTINGS, STORE
from .interviews import json_body

SENT = {"sent": True}


def caller(request: web.Request) -> sign_in.Caller:
    """The browser that signs in."""
    return sign_in.Caller(request.headers.get("User-Agent", ""), cookies.read(request, cookies.LOGIN))


def signed_in(request: web.Request, done: sign_in.SignedIn, status: int = 200) -> web.Response:
    """Who is signed in now, and the cookie that says so."""
    who = done.account
    user = {"id": who.id, "email": who.email, "name": who.name, "role": who.role.value}
    response = web.json_response({"user": user}, status=status)
    cookies.put(request, response, cookies.LOGIN, done.token)
    return response


async def _attempt(request: web.Request, *what: str) -> None:
    limits = request.app[limiting.LIMITS]
    await limits.count(limiting.SIGN_IN, "sign-in address", limiting.visitor(request))
    if what:
        await limits.count(limiting.SIGN_IN, "sign-in", *what)


@public
async def login(request: web.Request) -> web.Response:
    """`POST /api/auth/login`."""
    made = hasher(request)
    wish = schemas.validate(account_schemas.LoginRequest, await json_body(request))
    await _attempt(request, wish.email.casefold())
    done = await sign_in.by_password(request.app[STORE], made, wish.email, wish.password, caller(request), datetime.now(UTC))
    return signed_in(request, done)


@public
async def register(request: web.Request) -> web.Response:
    """`POST /api/auth/register`."""
    made, signup = hasher(request), request.app[SETTINGS].signup
    wish = schemas.validate(account_schemas.RegisterRequest, await json_body(request))
    await _attempt(request)
    if signup is SignUp.CLOSED:
        raise Refused("Accounts on this server are made by whoever runs it.")
    done = await sign_in.register(
        request.app[STORE],
        made,
        email=wish.email,
        password=wish.password,
        name=wish.name,
        invite=wish.invite if signup is SignUp.INVITE or wish.invite else None,
        caller=caller(request),
        now=datetime.now(UTC),
    )
    return signed_in(request, done, 201)


@public
async def set_up(request: web.Request) -> web.Response:
    """`POST /api/auth/setup`."""
    made = hasher(request)
    wish = schemas.validate(account_schemas.SetUpRequest, await json_body(request))
    await _attempt(request)
    done = await sign_in.set_up(
        request.app[STORE],
        made,
        wish.token,
        email=wish.email,
        password=wish.password,
        name=wish.name,
        caller=caller(request),
        now=datetime.now(UTC),
    )
    return signed_in(request, done, 201)


@by_hand
async def logout(request: web.Request) -> web.Response:
    """`POST /api/auth/logout`: the cookie is worth nothing from this moment on."""
    await json_body(request)
    person = current(request)
    if person.login_id is not None:
        await sign_in.sign_out(request.app[STORE], person, datetime.now(UTC))
        await send_off(request.app, person.id)
    response = web.json_response({"signedOut": person.login_id is not None})
    cookies.drop(request, response, cookies.LOGIN)
    return response


@public
async def ask_link(request: web.Request) -> web.Response:
    """`POST /api/auth/link`: the link will work in this browser only."""
    browser = secrets.token_urlsafe(sign_in.TOKEN_BYTES)
    response = await _letter(request, Purpose.LINK, hash_token(browser))
    cookies.put(request, response, cookies.BROWSER, browser)
    return response


@public
async def ask_reset(request: web.Request) -> web.Response:
    """`POST /api/auth/reset`."""
    return await _letter(request, Purpose.RESET, None)


async def _letter(request: web.Request, purpose: Purpose, browser_hash: str | None) -> web.Response:
    wish = schemas.validate(account_schemas.LetterRequest, await json_body(request))
    limits = request.app[limiting.LIMITS]
    await limits.count(limiting.LETTERS_ASKED, "letters", limiting.visitor(request))
    await limits.count(limiting.LETTERS, "letters to", wish.email.casefold())
    await ask_letter(request, purpose, wish.email, browser_hash)
    return web.json_response(SENT, status=202)


@public
async def use_link(request: web.Request) -> web.Response:
    """`POST /api/auth/link/use`."""
    hasher(request)
    wish = schemas.validate(account_schemas.LinkRequest, await json_body(request))
    await _attempt(request)
    browser = cookies.read(request, cookies.BROWSER)
    done = await sign_in.by_link(request.app[STORE], wish.token, browser, caller(request), datetime.now(UTC))
    response = signed_in(request, done)
    cookies.drop(request, response, cookies.BROWSER)
    return response


@public
async def use_reset(request: web.Request) -> web.Response:
    """`POST /api/auth/reset/use`: whoever is signed in elsewhere is so no more."""
    made = hasher(request)
    wish = schemas.validate(account_schemas.ResetRequest, await json_body(request))
    await _attempt(request)
    done = await sign_in.reset(request.app[STORE], made, wish.token, wish.password, caller(request), datetime.now(UTC))
    await send_off(request.app, done.account.id)
    return signed_in(request, done)
