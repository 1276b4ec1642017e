"""Passwords, identities, sign-ins and API tokens: rows to domain and back. Read next: `invitations`, `accounts`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, delete, func, insert, select, update

from bridge.domain.account import Account, Scope
from bridge.domain.sign_in import MAX_LOGINS, ApiToken, Login

from .accounts import to_account
from .columns import as_uuid
from .tables import api_tokens, identities, interview_sessions, logins, passwords, tickets, users
from .transaction import TransactionPart

_UNKNOWN = "There is no such account."


class SignInRows(TransactionPart):
    """The part of a transaction about ways in."""

    async def password(self, user_id: str) -> str | None:
        """The stored hash."""
        found: str | None = await self.connection.scalar(select(passwords.c.hash).where(passwords.c.user_id == as_uuid(user_id)))
        return found

    async def set_password(self, user_id: str, stored: str | None) -> None:
        """Keep a hash in place of an older one, or none."""
        if stored is None:
            await self.connection.execute(delete(passwords).where(passwords.c.user_id == as_uuid(user_id)))
            return
        row = {"user_id": user_id, "hash": stored, "changed_at": self.now()}
        await self.change(self.upsert(passwords, ["user_id"]).values(row), missing=_UNKNOWN)

    async def passwords(self) -> int:
        """How many people have one."""
        return await self.connection.scalar(select(func.count()).select_from(passwords)) or 0

    async def account_of(self, issuer: str, subject: str) -> Account | None:
        """Whom an identity from elsewhere belongs to."""
        i = identities.c
        statement = select(users).join(identities, i.user_id == users.c.id).where(i.issuer == issuer, i.subject == subject)
        row = (await self.connection.execute(statement)).one_or_none()
        return to_account(row) if row else None

    async def add_identity(self, issuer: str, subject: str, user_id: str) -> bool:
        """Tie one to a person; False when it is tied already."""
        row = {"issuer": issuer, "subject": subject, "user_id": user_id, "created_at": self.now()}
        statement = self.insert(identities).values(row).on_conflict_do_nothing()
        added = await self.change(statement.returning(identities.c.user_id), missing=_UNKNOWN)
        return added.scalar_one_or_none() is not None

    async def identities(self, user_id: str) -> list[tuple[str, str]]:
        """(issuer, subject) of a person."""
        i = identities.c
        statement = select(i.issuer, i.subject).where(i.user_id == as_uuid(user_id)).order_by(i.created_at, i.issuer)
        return [(row.issuer, row.subject) for row in await self.connection.execute(statement)]

    async def add_login(self, login: Login, token_hash: str) -> None:
        """Keep a sign-in; the person's oldest ones over the limit go, and those that are over."""
        mine = logins.c.user_id == as_uuid(login.user_id)
        await self.connection.execute(delete(logins).where(mine, logins.c.expires_at < login.created_at))
        await self.change(insert(logins), [asdict(login) | {"token_hash": token_hash}], missing=_UNKNOWN)
        newest = select(logins.c.id).where(mine).order_by(logins.c.created_at.desc(), logins.c.id).limit(MAX_LOGINS)
        await self.connection.execute(delete(logins).where(mine, logins.c.id.not_in(newest)))

    async def login(self, token_hash: str) -> tuple[Login, Account] | None:
        """The sign-in with this token and whose it is, whether it works or not."""
        row = await self._with_person(logins, logins.c.token_hash == token_hash)
        return (_login(row), _person(row)) if row else None

    async def logins(self, user_id: str) -> list[Login]:
        """Of a person, newest use first; those that are over too."""
        statement = select(logins).where(logins.c.user_id == as_uuid(user_id)).order_by(logins.c.seen_at.desc(), logins.c.id)
        return [_login(row) for row in await self.connection.execute(statement)]

    async def touch_login(self, login_id: str, now: datetime) -> None:
        """Note its use."""
        await self.connection.execute(update(logins).where(logins.c.id == as_uuid(login_id)).values(seen_at=now))

    async def revoke_logins(self, user_id: str, *, now: datetime, only: str | None = None, but: str | None = None) -> int:
        """Take back a person's sign-ins, or only one, or all but one; how many that were."""
        wanted = _of(logins, user_id, only)
        wanted += [logins.c.id != as_uuid(but)] if but is not None else []
        return (await self.connection.execute(update(logins).where(*wanted).values(revoked_at=now))).rowcount

    async def add_api_token(self, token: ApiToken, token_hash: str) -> None:
        """Keep it."""
        row = asdict(token) | {"token_hash": token_hash, "scopes": sorted(token.scopes)}
        await self.change(insert(api_tokens), [row], missing=_UNKNOWN)

    async def api_token(self, token_hash: str) -> tuple[ApiToken, Account] | None:
        """The token and whose it is, whether it works or not."""
        row = await self._with_person(api_tokens, api_tokens.c.token_hash == token_hash)
        return (_api_token(row), _person(row)) if row else None

    async def api_tokens(self, user_id: str) -> list[ApiToken]:
        """Of a person, oldest first."""
        a = api_tokens.c
        statement = select(api_tokens).where(a.user_id == as_uuid(user_id)).order_by(a.created_at, a.id)
        return [_api_token(row) for row in await self.connection.execute(statement)]

    async def touch_api_token(self, token_id: str, now: datetime) -> None:
        """Note its use."""
        await self.connection.execute(update(api_tokens).where(api_tokens.c.id == as_uuid(token_id)).values(used_at=now))

    async def revoke_api_tokens(self, user_id: str, *, now: datetime, only: str | None = None) -> int:
        """Take back a person's tokens, or only one."""
        statement = update(api_tokens).where(*_of(api_tokens, user_id, only)).values(revoked_at=now)
        return (await self.connection.execute(statement)).rowcount

    async def drop_tickets(self, user_id: str) -> None:
        """Forget unused tickets to the sockets of a person's interviews."""
        mine = select(interview_sessions.c.id).where(interview_sessions.c.user_id == as_uuid(user_id))
        await self.connection.execute(delete(tickets).where(tickets.c.session_id.in_(mine), tickets.c.used_at.is_(None)))

    async def _with_person(self, table: Table, found: ColumnElement[bool]) -> Row[Any] | None:
        person = [column.label(f"person_{column.name}") for column in users.columns]
        statement: Select[Any] = select(table, *person).join(users, users.c.id == table.c.user_id).where(found)
        row: Row[Any] | None = (await self.connection.execute(statement)).one_or_none()
        return row


def _of(table: Table, user_id: str, only: str | None) -> list[ColumnElement[bool]]:
    wanted = [table.c.user_id == as_uuid(user_id), table.c.revoked_at.is_(None)]
    return [*wanted, table.c.id == as_uuid(only)] if only is not None else wanted


def _person(row: Row[Any]) -> Account:
    return Account(
        id=row.person_id,
        role=row.person_role,
        created_at=row.person_created_at,
        name=row.person_name,
        email=row.person_email or "",
        disabled_at=row.person_disabled_at,
    )


def _login(row: Row[Any]) -> Login:
    return Login(
        id=row.id,
        user_id=row.user_id,
        method=row.method,
        agent=row.agent,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _api_token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
