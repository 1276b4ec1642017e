"""People and the audit log: rows to domain and back. Read next: `sessions`, which people own."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from bridge.domain.account import Account, AuditRow, Role, normal_email
from bridge.domain.promotions import make_code, normal_code
from bridge.errors import NotFound

from .columns import as_uuid
from .tables import audit_log, referral_codes, users
from .transaction import TransactionPart

SINGLE_USER = "00000000-0000-4000-8000-000000000001"
"""The one user of `single` mode: a fixed id, so that two processes starting together make one."""
_TAKEN = "There is an account with this address already."
_UNKNOWN = "There is no such account."


class AccountRows(TransactionPart):
    """The part of a transaction about people."""

    async def single_user(self) -> str:
        """Id of the one user of `single` mode, made at first use; they may do everything."""
        known = await self.connection.scalar(select(users.c.id).where(users.c.id == SINGLE_USER))
        if known is None and not self.read_only:
            now = self.now()
            row = {"id": SINGLE_USER, "name": "", "role": Role.ADMIN, "created_at": now}
            await self.connection.execute(self.insert(users).values(row).on_conflict_do_nothing())
            code = self.insert(referral_codes).values(_code_row(SINGLE_USER, now))
            await self.connection.execute(code.on_conflict_do_nothing())
        return SINGLE_USER

    async def account(self, user_id: str, *, for_update: bool = False) -> Account | None:
        """The person's row, disabled or not; None when unknown."""
        statement = select(users).where(users.c.id == as_uuid(user_id))
        return await self._one(statement.with_for_update() if for_update else statement)

    async def account_by_email(self, email: str) -> Account | None:
        """By the address, however it is spelt."""
        return await self._one(select(users).where(users.c.email == normal_email(email)))

    async def accounts(self) -> list[Account]:
        """Everybody, oldest first."""
        return [to_account(row) for row in await self.connection.execute(select(users).order_by(users.c.created_at, users.c.id))]

    async def add_account(self, account: Account) -> None:
        """Insert, with the code by which the person brings others. Raises Conflict for a taken id or address."""
        if as_uuid(account.id) is None:
            raise ValueError("user ids are UUIDs")
        await self.change(insert(users), [_row(account)], taken=_TAKEN)
        await self.change(insert(referral_codes), [_code_row(account.id, account.created_at)])

    async def save_account(self, account: Account) -> None:
        """Write what may change. Raises NotFound, Conflict for a taken address."""
        row = _row(account)
        kept = {name: row[name] for name in ("name", "email", "role", "disabled_at")}
        result = await self.change(update(users).where(users.c.id == as_uuid(account.id)).values(kept), taken=_TAKEN)
        if result.rowcount == 0:
            raise NotFound(_UNKNOWN)

    async def audit(self, actor_id: str | None, action: str, subject: str = "", detail: dict[str, Any] | None = None) -> None:
        """Note in this very transaction that somebody did this."""
        row = {"at": self.now(), "actor_id": actor_id, "action": action, "subject": subject, "detail": detail or {}}
        await self.connection.execute(insert(audit_log).values(row))

    async def audit_trail(
        self, *, subject: str | None = None, actor_id: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[AuditRow]:
        """Newest first, from the one before id `before`."""
        a = audit_log.c
        wanted: list[ColumnElement[bool]] = [a.subject == subject] if subject is not None else []
        wanted += [a.actor_id == as_uuid(actor_id)] if actor_id is not None else []
        wanted += [a.id < before] if before is not None else []
        statement = select(audit_log).where(*wanted).order_by(a.id.desc()).limit(limit)
        rows = await self.connection.execute(statement)
        return [AuditRow(row.id, row.at, row.actor_id, row.action, row.subject, row.detail) for row in rows]

    async def _one(self, statement: Any) -> Account | None:
        row = (await self.connection.execute(statement)).one_or_none()
        return to_account(row) if row else None


def _row(account: Account) -> dict[str, Any]:
    # Addresses are unique and people without one are many, so none is NULL.
    return asdict(account) | {"email": normal_email(account.email) or None}


def _code_row(user_id: str, at: datetime) -> dict[str, Any]:
    return {"user_id": user_id, "code": normal_code(make_code()), "made_at": at}


def to_account(row: Row[Any]) -> Account:
    """A person from their row."""
    return Account(
        id=row.id, role=row.role, created_at=row.created_at, name=row.name, email=row.email or "", disabled_at=row.disabled_at
    )
