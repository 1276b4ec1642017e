"""Who asks, and whether they may: the one place that turns a request into a person. Pages and API ask here, never the application.

Every route takes a signed-in person unless its handler is marked `@public`; `@require(role)` asks for a role beside that, `@by_hand` for a
person at a page (no API token). `single` mode has one user, signed in on loopback and an admin. Read next: `middlewares`,
`bridge.domain.account`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from bridge.config import AuthMode
from bridge.domain.account import Account, Person, Role, Scope, Via
from bridge.errors import NotSignedIn, Refused
from bridge.usecases import identities, sign_in

from . import cookies, limiting
from .keys import PERSON, SETTINGS, STORE, SUPERVISOR, USER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., object])
PROBES = frozenset({"/healthz", "/readyz"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
GUARD, HAND = "__guard__", "__by_hand__"
"""Attributes of a handler: the role its door asks for, or None when it asks for nobody; whether it refuses API tokens."""
STREAMS: web.AppKey[dict[str, set[asyncio.Task[object]]]] = web.AppKey("streams")
"""Answers that go on and on, by the person they are for."""
LONGEST_NAME = 255


def public(handler: AnyHandler) -> AnyHandler:
    """Mark a handler as open to people who are not signed in. Put it outermost."""
    setattr(handler, GUARD, None)
    return handler


def require(role: Role) -> Callable[[AnyHandler], AnyHandler]:
    """Mark a handler as open to one role (and those that include it). Put it outermost."""

    def mark(handler: AnyHandler) -> AnyHandler:
        setattr(handler, GUARD, role)
        return handler

    return mark


def by_hand(handler: AnyHandler) -> AnyHandler:
    """Mark a handler as closed to API tokens: what is about the account itself. Put it outermost, beside `require`."""
    setattr(handler, HAND, True)
    return handler


def guard_of(handler: object) -> Role | None:
    """The role a handler's door asks for; None when it is open. A handler that says nothing asks for anybody who is signed in."""
    guard: Role | None = getattr(handler, GUARD, Role.CANDIDATE)
    return guard


def current(request: web.Request) -> Person:
    """The person who is signed in. Raises NotSignedIn."""
    person: Person | None = request.get(PERSON)
    if person is None:
        raise NotSignedIn("Sign in first.")
    return person


def user_id(request: web.Request) -> str:
    """Id of the person who is signed in. Raises NotSignedIn."""
    return current(request).id


async def who(request: web.Request) -> Person | None:
    """Who asks, or None."""
    mode, store, now = request.app[SETTINGS].auth_mode, request.app[STORE], datetime.now(UTC)
    if mode is AuthMode.SINGLE:
        async with store.read() as tx:
            account: Account | None = await tx.account(request.app[USER])
        return Person(account) if account else None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return await sign_in.by_api_token(store, token.strip(), now)
    if mode is AuthMode.PROXY:
        return await _named_by_proxy(request, now)
    login = cookies.read(request, cookies.LOGIN)
    return await sign_in.by_cookie(store, login, now) if login else None


async def _named_by_proxy(request: web.Request, now: datetime) -> Person | None:
    settings = request.app[SETTINGS]
    subject = request.headers.get(settings.proxy_user_header, "").strip()
    if not limiting.from_trusted(request) or not subject or len(subject) > LONGEST_NAME:
        return None

    def header(name: str) -> str:
        return request.headers.get(name, "").strip()[:LONGEST_NAME] if name else ""

    groups = [group.strip() for group in header(settings.proxy_groups_header).split(",")]
    vouched = identities.Vouched(
        identities.PROXY_ISSUER,
        subject,
        email=header(settings.proxy_email_header),
        name=subject,
        role=identities.role_of(groups, settings.roles_by_group),
    )
    account = await identities.known(request.app[STORE], vouched, now)
    return Person(account, Via.PROXY) if account.disabled_at is None else None


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know who asks. Probes and files are asked for often, and also when the database is out of reach."""
    if request.path not in PROBES and not request.path.startswith("/static/"):
        request[PERSON] = await who(request)
    return await handler(request)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Open the door or not."""
    found = request.match_info.handler
    static = request.path.startswith("/static/")
    needed = None if static or request.match_info.http_exception is not None else guard_of(found)
    person: Person | None = request.get(PERSON)
    if person is not None:
        _not_forged(request, person)
    if needed is None:
        return await handler(request)
    page = request.method in SAFE and not request.path.startswith(("/api/", "/ws/"))
    if person is None and page and request.app[SETTINGS].auth_mode is not AuthMode.PROXY:
        raise web.HTTPSeeOther(f"/sign-in?next={quote(request.path_qs, safe='')}")
    allowed = current(request)
    if not allowed.may(needed):
        raise Refused("Your account may not do this.")
    _token_may(request, allowed, by_hand=getattr(found, HAND, False))
    async with _stream(request, allowed.id):
        return await handler(request)


def _not_forged(request: web.Request, person: Person) -> None:
    """What a browser sends by itself must come from a page of ours, and say so (`middlewares` refuses what says otherwise)."""
    ambient = person.via in (Via.COOKIE, Via.PROXY) and request.method not in SAFE
    if ambient and "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        raise Refused("Send the Origin header with a cookie, or an API token instead of it.")


def _token_may(request: web.Request, person: Person, *, by_hand: bool) -> None:
    if person.scopes is None:
        return
    needed = Scope.READ if request.method in SAFE else Scope.WRITE
    if by_hand or needed not in person.scopes:
        raise Refused("This token may not do that." if not by_hand else "Do this on the account page: a token may not.")


@asynccontextmanager
async def _stream(request: web.Request, user_id: str) -> AsyncIterator[None]:
    """Keep hold of an answer that goes on, to end it when its reader is signed in no more."""
    resource = request.match_info.route.resource
    task = asyncio.current_task()
    if task is None or resource is None or not resource.canonical.endswith("/events"):
        yield
        return
    streams = request.app[STREAMS].setdefault(user_id, set())
    streams.add(task)
    try:
        yield
    finally:
        streams.discard(task)


async def send_off(app: web.Application, user_id: str) -> None:
    """Close what a person still has open who is signed in no more: event streams at once, sockets when their last words are stored (A4)."""
    for task in app[STREAMS].get(user_id, set()) - {asyncio.current_task()}:
        task.cancel()
    await app[SUPERVISOR].send_off(user_id)
    async with app[STORE].begin() as tx:
        # The live call may have renewed its ticket meanwhile.
        await tx.drop_tickets(user_id)
