"""A transaction's part about ways in, and what makes passwords unreadable."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.account import Account
from ..domain.sign_in import ApiToken, Invite, Login, OneTime, Purpose


class PasswordHasher(Protocol):
    """Slow on purpose, and never on the event loop."""

    async def hash(self, password: str) -> str:
        """What to store."""

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; None takes as long and is never right."""

    def stale(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""


class SignInTx(Protocol):
    """Ways in."""

    # Passwords and identities -------------------------------------------------------------------------------------------
    async def password(self, user_id: str) -> str | None:
        """The stored hash."""

    async def set_password(self, user_id: str, stored: str | None) -> None:
        """Keep a hash in place of an older one, or none."""

    async def passwords(self) -> int:
        """How many people have one."""

    async def account_of(self, issuer: str, subject: str) -> Account | None:
        """Whom an identity from elsewhere belongs to."""

    async def add_identity(self, issuer: str, subject: str, user_id: str) -> bool:
        """Tie one to a person; False when it is tied already."""

    async def identities(self, user_id: str) -> list[tuple[str, str]]:
        """(issuer, subject) of a person."""

    # Sign-ins -----------------------------------------------------------------------------------------------------------
    async def add_login(self, login: Login, token_hash: str) -> None:
        """Keep a sign-in; the person's oldest ones over the limit go, and those that are long over."""

    async def login(self, token_hash: str) -> tuple[Login, Account] | None:
        """The sign-in with this token and whose it is, whether it works or not."""

    async def logins(self, user_id: str) -> list[Login]:
        """Of a person, newest use first; those that are over too."""

    async def touch_login(self, login_id: str, now: datetime) -> None:
        """Note its use."""

    async def revoke_logins(self, user_id: str, *, now: datetime, only: str | None = None, but: str | None = None) -> int:
        """Take back a person's sign-ins, or only one, or all but one; how many that were."""

    # API tokens ---------------------------------------------------------------------------------------------------------
    async def add_api_token(self, token: ApiToken, token_hash: str) -> None:
        """Keep it."""

    async def api_token(self, token_hash: str) -> tuple[ApiToken, Account] | None:
        """The token and whose it is, whether it works or not."""

    async def api_tokens(self, user_id: str) -> list[ApiToken]:
        """Of a person, oldest first."""

    async def touch_api_token(self, token_id: str, now: datetime) -> None:
        """Note its use."""

    async def revoke_api_tokens(self, user_id: str, *, now: datetime, only: str | None = None) -> int:
        """Take back a person's tokens, or only one."""

    async def drop_tickets(self, user_id: str) -> None:
        """Forget unused tickets to the sockets of a person's interviews."""

    # One-time tokens and invitations ------------------------------------------------------------------------------------
    async def add_one_time(self, token: OneTime, token_hash: str) -> None:
        """Keep it; of a purpose without a person only the newest stays, where nothing binds it to a browser."""

    async def one_time(self, token_hash: str, purpose: Purpose, *, now: datetime) -> OneTime | None:
        """A token that still works."""

    async def take_one_time(self, token_hash: str, purpose: Purpose, *, now: datetime) -> OneTime | None:
        """Use it up; None for one that is unknown, used, expired or for another purpose."""

    async def add_invite(self, invite: Invite, code_hash: str) -> None:
        """Keep it."""

    async def take_invite(self, code_hash: str, *, now: datetime) -> Invite | None:
        """Take one of its places; None when it has none."""

    async def invites(self) -> list[Invite]:
        """All, newest first."""

    async def revoke_invite(self, invite_id: str, *, now: datetime) -> bool:
        """Take it back."""
