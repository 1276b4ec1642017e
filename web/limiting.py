"""How often somebody may ask, and from where they do: counts in memory or, with several servers, in the database; by person, by visitor's address, by what is tried (R-121, C-53, A14).

A visitor's address is the peer's, or what a proxy that `PREPKIT_TRUSTED_PROXIES` names says it is.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time

from aiohttp import web
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from bridge.config import Settings

from .keys import SETTINGS

SIGN_IN = parse("10/5minute")
"""Attempts for one account, and from one address."""
LETTERS = parse("3/15minute")
"""Letters to one address."""
LETTERS_ASKED = parse("10/15minute")
"""Letters asked for from one address."""


class Limits:
    """Moving windows of this process, or with `shared` fixed windows of all servers together."""

    def __init__(self, shared: Storage | None = None) -> None:
        self._windows: RateLimiter = FixedWindowRateLimiter(shared) if shared else MovingWindowRateLimiter(MemoryStorage())

    def forget(self) -> None:
        """Begin anew, in this process."""
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    async def count(self, limit: RateLimitItem, *key: str) -> None:
        """Count one. Raises HTTPTooManyRequests with the seconds until the next is taken."""
        # Hashed: what is counted may be an address, and keys end up in memory dumps.
        name = hashlib.sha256("\0".join(key).encode()).hexdigest()
        if not await self._windows.hit(limit, name):
            window = await self._windows.get_window_stats(limit, name)
            seconds = max(1, math.ceil(window.reset_time - time.time()))
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(seconds)})


LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)


def from_trusted(request: web.Request) -> bool:
    """Whether a proxy we know handed this request over."""
    return is_proxy(request.app[SETTINGS], request.remote or "")


def visitor(request: web.Request) -> str:
    """The address somebody comes from: the last one in X-Forwarded-For that no known proxy of ours has."""
    address = request.remote or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while hops and is_proxy(request.app[SETTINGS], address):
        address = hops.pop()
    return address


def is_proxy(settings: Settings, address: str) -> bool:
    """Whether the address is a known proxy's."""
    proxies = settings.proxies
    if not proxies:
        return False
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in network for network in proxies)
