"""What every request passes: an id, the host and origin checks, the rate limit, errors in one shape, security headers.

`single` mode signs its one user in on loopback, so a foreign page must never reach it: the Host must be ours (DNS rebinding) and a changing request must
come from our own pages or from no page at all (CSRF).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web
from limits import parse
from loguru import logger

from bridge.errors import PrepkitError, Refused

from . import problems
from .auth import PROBES, SAFE
from .cookies import is_secure
from .keys import ORIGINS, PERSON
from .limiting import LIMITS, visitor
from .pages import error_page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
LONGEST_STATIC = 200
"""Characters of a path under /static; a file system refuses to look for a much longer name, which is no failure of ours."""
CALLBACKS = ("/api/webhooks/", "/api/vapi/")
"""Vendors call here: authenticated by themselves and limited per call, not per user (C-53)."""
LIMIT = parse("100/minute")
"""Requests a user may make to the API (R-121)."""


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every response, streams and files included."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.path.startswith("/share/"):
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow, noarchive")
    # Static files are asked about each time (a 304 is cheap): an upgrade must not mix old and new modules in one page.
    response.headers.setdefault("Cache-Control", "no-cache" if request.path.startswith("/static/") else "no-store")
    response.headers.setdefault("X-Request-Id", request.get(REQUEST_ID, ""))


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure in one shape: JSON under /api, a page elsewhere."""
    request[REQUEST_ID] = uuid4().hex[:12]
    wants_page = not request.path.startswith(("/api/", "/ws/", "/healthz", "/readyz")) and request.method in SAFE
    try:
        response = await handler(request)
    except PrepkitError as error:
        if wants_page:
            return error_page(request, problems.status_of(error), error.message, request[REQUEST_ID])
        return problems.response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if wants_page:
            sentence = problems.SENTENCES.get(error.status, "The request was refused.")
            page = error_page(request, error.status, sentence, request[REQUEST_ID])
            page.headers.update(problems.kept_headers(error))
            return page
        return problems.from_http(error)
    except Exception as error:  # noqa: BLE001 - The request's top: whatever was not foreseen becomes a 500 without a traceback for the client.
        if _cut_off(request, error):
            return web.Response(status=400)
        return _unforeseen(request, wants_page=wants_page)
    return response


def _cut_off(request: web.Request, error: Exception) -> bool:
    """Whether the connection went away in the middle of the request: nobody is left to be answered, and nothing of ours failed."""
    if request.transport is not None and not request.transport.is_closing():
        return False
    # aiohttp says it so to whoever only begins to read a body when the connection has gone already.
    begun_late = isinstance(error, RuntimeError) and not request.content.is_eof()
    return begun_late or isinstance(error, ConnectionError)


def _unforeseen(request: web.Request, *, wants_page: bool) -> web.Response:
    logger.opt(exception=True).error("Request {} {} failed", request[REQUEST_ID], request.match_info.handler.__name__)
    if wants_page:
        return error_page(request, 500, problems.SENTENCES[500], request[REQUEST_ID])
    return web.json_response(problems.body("internal", problems.SENTENCES[500], {"reference": request[REQUEST_ID]}), status=500)


@web.middleware
async def same_house(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign hosts, and changing requests that a foreign page sent."""
    origins = request.app[ORIGINS]
    # The scheme is not compared: behind a TLS proxy it is http here. Probes come to the address, not to the name.
    if request.host not in {origin.split("//", 1)[1] for origin in origins} and request.path not in PROBES:
        raise Refused("This server does not answer to that host name.")
    if request.method not in SAFE:
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("same-origin", "none") or (origin is not None and origin not in origins):
            raise Refused("This request came from another site.")
    if request.path.startswith("/static/") and len(request.rel_url.raw_path) > LONGEST_STATIC:
        raise web.HTTPNotFound
    return await handler(request)


@web.middleware
async def rate_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count API requests by person, and by address where nobody is signed in."""
    if request.path.startswith("/api/") and not request.path.startswith(CALLBACKS):
        person = request.get(PERSON)
        key = ("person", person.id) if person else ("address", visitor(request))
        await request.app[LIMITS].count(LIMIT, "api", *key)
    return await handler(request)
