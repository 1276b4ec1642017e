"""Who asks: the one place that turns a request into a person. Pages and API ask here, never the application.

`single` mode has one user, signed in on loopback. Read next: `middlewares`.
"""

from __future__ import annotations

from aiohttp import web

from .keys import USER


def user_id(request: web.Request) -> str:
    """Id of the person who is signed in."""
    return request.app[USER]
