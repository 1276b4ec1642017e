"""What lets somebody in: sign-ins, API tokens, one-time tokens and invitations; for how long each works, and what a password must be.

All are found by the SHA-256 of what their holder has; nothing here can be turned back into it. Read next: `usecases.sign_in`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .account import ABSOLUTE, IDLE, Role, Scope

TOUCH_AFTER = timedelta(minutes=1)
"""How old the note of the last use gets before it is written again."""
MAX_LOGINS = 50
"""Working sign-ins of one person; the oldest give way."""
MAX_TOKENS = 50
"""Working API tokens of one person."""
MIN_PASSWORD, MAX_PASSWORD = 8, 256
"""Characters (ASVS 5: at least 8, at least 64 allowed, never cut)."""


class Purpose(StrEnum):
    """What a one-time token does."""

    SETUP = "setup"
    """Makes the first account."""
    LINK = "link"
    """Signs in from a letter."""
    RESET = "reset"
    """Sets a new password from a letter."""
    OIDC = "oidc"
    """What an OpenID sign-in must come back with."""


LIFETIMES: dict[Purpose, timedelta] = {
    Purpose.SETUP: timedelta(hours=24),
    Purpose.LINK: timedelta(minutes=10),
    Purpose.RESET: timedelta(minutes=30),
    Purpose.OIDC: timedelta(minutes=10),
}


@dataclass(frozen=True)
class Login:
    """One signed-in browser."""

    id: str
    user_id: str
    method: str
    """`password`, `link`, `reset`, `setup`, `invite` or `oidc`."""
    agent: str
    """What the browser calls itself, cut short."""
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether it still lets in: not taken back, used within the idle time, and not for too long altogether."""
        return self.revoked_at is None and now < min(self.expires_at, self.seen_at + IDLE, self.created_at + ABSOLUTE)


@dataclass(frozen=True)
class ApiToken:
    """A key for programs."""

    id: str
    user_id: str
    name: str
    prefix: str
    """Its first characters, to tell one from another."""
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether it still lets in."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class OneTime:
    """A token that does one thing once."""

    purpose: Purpose
    created_at: datetime
    expires_at: datetime
    user_id: str | None = None
    browser_hash: str | None = None
    """Of the browser it was asked for from, where it works nowhere else."""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Invite:
    """A code that makes accounts."""

    id: str
    note: str
    role: Role
    created_by: str | None
    created_at: datetime
    expires_at: datetime
    places: int
    taken: int = 0
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether somebody can still come in with it."""
        return self.revoked_at is None and now < self.expires_at and self.taken < self.places


def password_problem(password: str, common: frozenset[str], *, own_words: tuple[str, ...] = ()) -> str | None:
    """What is wrong with a new password, in a sentence; None when nothing is (ASVS 5: length and no known one, nothing else)."""
    if len(password) < MIN_PASSWORD:
        return f"Take at least {MIN_PASSWORD} characters; 15 or more are better."
    if len(password) > MAX_PASSWORD:
        return f"Take at most {MAX_PASSWORD} characters."
    folded = password.casefold()
    if folded in common or len(set(folded)) < 3:
        return "This password is among the most used ones. Take another."
    if folded in {word.casefold() for word in own_words if word}:
        return "A password must not be the name or the address."
    return None
