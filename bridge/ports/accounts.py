"""A transaction's part about people: their rows, and the audit log."""

from __future__ import annotations

from typing import Any, Protocol

from ..domain.account import Account, AuditRow


class AccountTx(Protocol):
    """People."""

    async def single_user(self) -> str:
        """Id of the one user of `single` mode, made at first use; an admin."""

    async def account(self, user_id: str, *, for_update: bool = False) -> Account | None:
        """The person's row, disabled or not; None when unknown."""

    async def account_by_email(self, email: str) -> Account | None:
        """By the normalised address."""

    async def accounts(self) -> list[Account]:
        """Everybody, oldest first."""

    async def add_account(self, account: Account) -> None:
        """Insert, with the code by which the person brings others. Raises Conflict for a taken id or address."""

    async def save_account(self, account: Account) -> None:
        """Write name, address, role and whether it is disabled. Raises NotFound, Conflict for a taken address."""

    async def audit(self, actor_id: str | None, action: str, subject: str = "", detail: dict[str, Any] | None = None) -> None:
        """Note in this very transaction that somebody did this; `detail` holds no words of a candidate and no secret."""

    async def audit_trail(
        self, *, subject: str | None = None, actor_id: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[AuditRow]:
        """Newest first, from the one before id `before`."""
