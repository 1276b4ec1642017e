"""Who asks, and whether they may: the one place that turns a request into a person. Pages and API ask here, never the application.

Every route takes a signed-in person unless its handler is marked `@public`; `@require(role)` asks for a role beside that. `single` mode
has one user, signed in on loopback and an admin. Read next: `middlewares`, `bridge.domain.account`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from bridge.domain.account import Account, Person, Role
from bridge.errors import NotSignedIn, Refused

from .keys import PERSON, STORE, USER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., object])
PROBES = frozenset({"/healthz", "/readyz"})
GUARD = "__guard__"
"""Attribute of a handler: the role its door asks for, or None when it asks for nobody."""


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


async def identify(request: web.Request) -> Person | None:
    """Who asks, or None."""
    async with request.app[STORE].read() as tx:
        account: Account | None = await tx.account(request.app[USER])
    return Person(account) if account else None


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know who asks, and open the door or not."""
    if request.path in PROBES or request.path.startswith("/static/"):
        # Asked often, and also when the database is out of reach.
        return await handler(request)
    request[PERSON] = await identify(request)
    needed = guard_of(request.match_info.handler) if request.match_info.http_exception is None else None
    if needed is not None and not current(request).may(needed):
        raise Refused("Your account may not do this.")
    return await handler(request)
