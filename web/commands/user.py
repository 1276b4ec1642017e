"""`prepkit user …`: accounts from the command line, straight in the database, whether a server runs or not. Everything is noted as done by nobody.

A running server acts on a closed account within seconds, on a role at the next request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bridge.config import Settings
from bridge.domain.account import Account, Role, Scope
from bridge.domain.mail import checked_address
from bridge.domain.pricing import Money
from bridge.errors import Conflict, NotFound
from bridge.usecases import holds, people, sign_in
from bridge.usecases.passwords import check
from storage.database import Database
from storage.migrate import migrate


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database at its newest version."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate(settings.database)
    database = await Database.open(settings.database)
    try:
        yield database
    finally:
        await database.close()


async def _known(database: Database, email: str) -> Account:
    async with database.read() as tx:
        account = await tx.account_by_email(email) or await tx.account(email)
    if account is None:
        raise NotFound(f"There is no account {email}.")
    return account


async def add(settings: Settings, email: str, role: Role, password: str | None) -> None:
    """Make an account; without a password it can be used with API tokens, and with letters where there is SMTP."""
    stored = None
    address = checked_address(email)
    if password is not None:
        from bridge.clients.argon2 import Argon2Hasher

        check(password, address, "")
        stored = await Argon2Hasher().hash(password)
    async with opened(settings) as database:
        account = await people.add(database, address, role, stored, datetime.now(UTC))
    print(f"{account.email} has the role {account.role} now.")


async def show(settings: Settings) -> None:
    """Everybody: address or id, role, since when."""
    async with opened(settings) as database, database.read() as tx:
        accounts = await tx.accounts()
    for account in accounts:
        closed = "  closed" if account.disabled_at else ""
        print(f"{account.email or account.id:<40} {account.role:<10} {account.created_at:%Y-%m-%d}{closed}")


async def set_role(settings: Settings, email: str, role: Role) -> None:
    """Give a role."""
    async with opened(settings) as database:
        account = await _known(database, email)
        await people.set_role(database, None, account.id, role, datetime.now(UTC))
    print(f"{account.email or account.id} has the role {role} now.")


async def set_disabled(settings: Settings, email: str, *, disabled: bool) -> None:
    """Close an account, or open it again."""
    async with opened(settings) as database:
        account = await _known(database, email)
        await people.set_disabled(database, None, account.id, disabled=disabled, now=datetime.now(UTC))
    print(f"{account.email or account.id} is {'closed' if disabled else 'open'} now.")


async def token(settings: Settings, email: str, scopes: tuple[Scope, ...], days: int | None) -> None:
    """Print a new API token, alone."""
    async with opened(settings) as database:
        account = await _known(database, email)
        if account.disabled_at is not None:
            raise Conflict("This account is closed.")
        now = datetime.now(UTC)
        until = now + timedelta(days=days) if days else None
        _, secret = await sign_in.make_api_token(database, account.id, "command line", frozenset(scopes), now, expires_at=until)
    print(secret)


async def invite(settings: Settings, role: Role, places: int, days: int, note: str) -> None:
    """Print a new invitation's code, alone."""
    async with opened(settings) as database:
        _, code = await people.invite(database, None, note=note, role=role, places=places, days=days, now=datetime.now(UTC))
    print(code)


async def credit(settings: Settings, email: str, amount: int, note: str) -> None:
    """Give somebody credit. Raises NotFound; refuses where nothing has a price."""
    tariff = settings.tariff
    if tariff is None:
        raise Conflict("Nothing has a price on this server: set PREPKIT_PAYMENTS first.")
    async with opened(settings) as database:
        account = await _known(database, email)
        async with database.begin() as tx:
            await holds.grant(tx, account.id, amount, tariff.currency, datetime.now(UTC), ref=str(uuid4()), note=note)
            await tx.audit(None, "credit.granted", account.id, {"amount": amount, "currency": tariff.currency})
            left = await tx.balance(account.id, tariff.currency)
    print(f"{email} has {Money(left, tariff.currency).text}.")
