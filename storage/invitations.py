"""Tokens that do one thing once, and codes that make accounts: each taken in one statement, so never twice. Read next: `sign_in`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from bridge.domain.sign_in import Invite, OneTime, Purpose

from .columns import as_uuid
from .tables import invites, one_time_tokens
from .transaction import TransactionPart


class InvitationRows(TransactionPart):
    """The part of a transaction about one-time tokens and invitations."""

    async def add_one_time(self, token: OneTime, token_hash: str) -> None:
        """Keep it in place of the person's older one for the same; there is one set-up link at a time, and none lingers long after its time."""
        o = one_time_tokens.c
        await self.connection.execute(delete(one_time_tokens).where(o.expires_at < token.created_at))
        if token.purpose is not Purpose.OIDC:
            older = (o.purpose == token.purpose, o.user_id == token.user_id if token.user_id else o.user_id.is_(None))
            await self.connection.execute(delete(one_time_tokens).where(*older))
        await self.change(
            insert(one_time_tokens), [asdict(token) | {"token_hash": token_hash}], missing="There is no such account."
        )

    async def one_time(self, token_hash: str, purpose: Purpose, *, now: datetime) -> OneTime | None:
        """A token that still works."""
        row = (await self.connection.execute(select(one_time_tokens).where(*_works(token_hash, purpose, now)))).one_or_none()
        return _one_time(row) if row else None

    async def take_one_time(self, token_hash: str, purpose: Purpose, *, now: datetime) -> OneTime | None:
        """Use it up; None for one that is unknown, used, expired or for another purpose."""
        statement = update(one_time_tokens).where(*_works(token_hash, purpose, now)).values(used_at=now)
        row = (await self.connection.execute(statement.returning(*one_time_tokens.columns))).one_or_none()
        return _one_time(row) if row else None

    async def add_invite(self, invite: Invite, code_hash: str) -> None:
        """Keep it."""
        await self.change(insert(invites), [asdict(invite) | {"code_hash": code_hash}], missing="There is no such account.")

    async def take_invite(self, code_hash: str, *, now: datetime) -> Invite | None:
        """Take one of its places; None when it has none."""
        i = invites.c
        open_ = (i.code_hash == code_hash, i.revoked_at.is_(None), i.expires_at > now, i.taken < i.places)
        statement = update(invites).where(*open_).values(taken=i.taken + 1).returning(*invites.columns)
        row = (await self.connection.execute(statement)).one_or_none()
        return _invite(row) if row else None

    async def invites(self) -> list[Invite]:
        """All, newest first."""
        statement = select(invites).order_by(invites.c.created_at.desc(), invites.c.id)
        return [_invite(row) for row in await self.connection.execute(statement)]

    async def revoke_invite(self, invite_id: str, *, now: datetime) -> bool:
        """Take it back."""
        wanted = (invites.c.id == as_uuid(invite_id), invites.c.revoked_at.is_(None))
        return (await self.connection.execute(update(invites).where(*wanted).values(revoked_at=now))).rowcount > 0


def _works(token_hash: str, purpose: Purpose, now: datetime) -> list[ColumnElement[bool]]:
    o = one_time_tokens.c
    return [o.token_hash == token_hash, o.purpose == purpose, o.used_at.is_(None), o.expires_at > now]


def _one_time(row: Row[Any]) -> OneTime:
    return OneTime(
        purpose=Purpose(row.purpose),
        created_at=row.created_at,
        expires_at=row.expires_at,
        user_id=row.user_id,
        browser_hash=row.browser_hash,
        data=row.data,
    )


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        id=row.id,
        note=row.note,
        role=row.role,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        places=row.places,
        taken=row.taken,
        revoked_at=row.revoked_at,
    )
