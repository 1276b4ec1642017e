"""Who somebody is and what they may: roles, scopes of API tokens, and the ways in.

A role says which of the house's doors open; what belongs to a person is theirs alone whatever anybody's role (`usecases.access`).
A token's scopes can only take away. Read next: `usecases.access`, `ports.accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

IDLE = timedelta(hours=12)
"""A sign-in that nobody used for so long is over."""
ABSOLUTE = timedelta(days=30)
"""A sign-in is over after so long however much it is used."""


class Role(StrEnum):
    """What somebody is here for."""

    CANDIDATE = "candidate"
    OPERATOR = "operator"
    """Watches live calls and may end, extend or whisper."""
    REVIEWER = "reviewer"
    """Reads finished interviews handed in for review and scores them."""
    ADMIN = "admin"
    """Accounts and money; everything an operator and a reviewer may."""


INCLUDES: dict[Role, frozenset[Role]] = {
    Role.CANDIDATE: frozenset({Role.CANDIDATE}),
    Role.OPERATOR: frozenset({Role.CANDIDATE, Role.OPERATOR}),
    Role.REVIEWER: frozenset({Role.CANDIDATE, Role.REVIEWER}),
    Role.ADMIN: frozenset(Role),
}
"""Whoever works here may also practise."""


class Scope(StrEnum):
    """What an API token may be used for."""

    READ = "read"
    """GET of one's own things."""
    WRITE = "write"
    """Everything a candidate may change, except the account itself."""
    STAFF = "staff"
    """What the person's role opens beyond that."""


DEFAULT_SCOPES = frozenset({Scope.READ, Scope.WRITE})


class Via(StrEnum):
    """How a request says who asks."""

    SINGLE = "single"
    COOKIE = "cookie"
    TOKEN = "token"  # noqa: S105 - A word, no secret.
    PROXY = "proxy"


@dataclass(frozen=True)
class Account:
    """A person's row."""

    id: str
    role: Role
    created_at: datetime
    name: str = ""
    email: str = ""
    """Normalised; empty when none is known."""
    disabled_at: datetime | None = None


@dataclass(frozen=True)
class Person:
    """Who asks, in one request."""

    account: Account
    via: Via = Via.SINGLE
    scopes: frozenset[Scope] | None = None
    """What a token was given; None when nothing narrows the role."""
    login_id: str | None = None

    @property
    def id(self) -> str:
        """Id of the person's row."""
        return self.account.id

    @property
    def role(self) -> Role:
        """The person's role."""
        return self.account.role

    @property
    def called(self) -> str:
        """What the pages call them."""
        return self.account.name or self.account.email

    def may(self, needed: Role) -> bool:
        """Whether a door for that role opens."""
        if self.scopes is not None and needed is not Role.CANDIDATE and Scope.STAFF not in self.scopes:
            return False
        return needed in INCLUDES[self.role]


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit log: what somebody with power did to what."""

    id: int
    at: datetime
    actor_id: str | None
    """None when the program itself or the command line did it."""
    action: str
    """`subject.verb`, for example `calls.end` or `account.role`."""
    subject: str
    """Id of what it was done to; never a name or an address."""
    detail: dict[str, Any]


def normal_email(text: str) -> str:
    """One spelling of an address, so that it is one account."""
    return text.strip().casefold()
