"""The two cookies: who is signed in, and which browser asked for a letter or went to a provider. Neither is readable by a page.

Behind https their names begin with `__Host-`, so that no other host of the domain can plant one; on plain http, which is loopback only,
browsers take no such name.
"""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from bridge.domain.account import ABSOLUTE

from .keys import SETTINGS

LOGIN = "prepkit-login"
BROWSER = "prepkit-browser"
BROWSER_LIFETIME = timedelta(minutes=30)


def is_secure(request: web.Request) -> bool:
    """Whether people come over https."""
    return request.app[SETTINGS].public_url.startswith("https://")


def read(request: web.Request, name: str) -> str:
    """A cookie of ours; empty without one."""
    return request.cookies.get(_name(request, name), "")


def put(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Set it."""
    lifetime = ABSOLUTE if name == LOGIN else BROWSER_LIFETIME
    response.set_cookie(
        _name(request, name),
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        httponly=True,
        secure=is_secure(request),
        samesite="Lax",
    )


def drop(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Have the browser forget it."""
    response.del_cookie(_name(request, name), path="/", httponly=True, secure=is_secure(request), samesite="Lax")


def _name(request: web.Request, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name
