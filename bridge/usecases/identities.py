"""People whom somebody else vouches for: an OpenID provider, or a proxy in front. An identity is (issuer, subject), never an address alone.

The first visit makes the account. An address that belongs to another account is not taken over, it is left out. Read next: `sign_in`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from ..domain.account import INCLUDES, Account, Role, normal_email
from ..ports import Store, Tx

PROXY_ISSUER = "proxy"
MIGHT = sorted(Role, key=lambda role: (len(INCLUDES[role]), role))


@dataclass(frozen=True)
class Vouched:
    """What is vouched for."""

    issuer: str
    subject: str
    email: str = ""
    name: str = ""
    role: Role | None = None
    """From a group; None leaves the role as it is."""


def role_of(groups: Iterable[str], roles: Mapping[str, Role]) -> Role | None:
    """The mightiest role that one of the groups gives."""
    given = [roles[group] for group in groups if group in roles]
    return max(given, key=MIGHT.index, default=None)


async def known(store: Store, vouched: Vouched, now: datetime) -> Account:
    """The person's account, made at the first visit; nothing is written when nothing changed."""
    async with store.read() as tx:
        account = await tx.account_of(vouched.issuer, vouched.subject)
    if account is not None and vouched.role in (None, account.role):
        return account
    async with store.begin() as tx:
        return await settle(tx, vouched, now)


async def settle(tx: Tx, vouched: Vouched, now: datetime) -> Account:
    """The same inside a transaction."""
    account = await tx.account_of(vouched.issuer, vouched.subject)
    if account is None:
        free = vouched.email and await tx.account_by_email(vouched.email) is None
        account = Account(
            str(uuid4()), vouched.role or Role.CANDIDATE, now, vouched.name, normal_email(vouched.email) if free else ""
        )
        await tx.add_account(account)
        await tx.add_identity(vouched.issuer, vouched.subject, account.id)
        await tx.audit(account.id, "account.register", account.id, {"role": account.role.value})
    elif vouched.role is not None and vouched.role is not account.role:
        await tx.audit(account.id, "account.role", account.id, {"from": account.role.value, "to": vouched.role.value})
        account = replace(account, role=vouched.role)
        await tx.save_account(account)
    return account
