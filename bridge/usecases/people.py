"""What an admin does about people: invite them, give them roles, close accounts and open them again. Everything is noted (A17).

There is always an admin who can come in: the last one keeps role and account. Read next: `sign_in`.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from ..domain.account import Account, Role, normal_email
from ..domain.sign_in import Invite
from ..errors import Conflict, NotFound
from ..ports import Store, Tx
from .calling import hash_token
from .sign_in import EMAIL_ISSUER

CODE_BYTES = 16
"""128 bits: an invitation is as hard to guess as any other token."""
UNKNOWN = "There is no such account."


async def add(store: Store, email: str, role: Role, stored_password: str | None, now: datetime) -> Account:
    """An account made by whoever runs the server. Raises Conflict for a taken address."""
    account = Account(str(uuid4()), role, now, email=normal_email(email))
    async with store.begin() as tx:
        await tx.add_account(account)
        if stored_password is not None:
            await tx.set_password(account.id, stored_password)
        await tx.add_identity(EMAIL_ISSUER, account.email, account.id)
        await tx.audit(None, "account.add", account.id, {"role": role.value})
    return account


async def set_role(store: Store, actor_id: str | None, user_id: str, role: Role, now: datetime) -> Account:
    """Give a role. Raises NotFound, Conflict for the last admin."""
    async with store.begin() as tx:
        before = await _known(tx, user_id)
        if before.role is role:
            return before
        await _keep_an_admin(tx, before, admin_after=role is Role.ADMIN)
        account = replace(before, role=role)
        await tx.save_account(account)
        await tx.audit(actor_id, "account.role", account.id, {"from": before.role.value, "to": role.value})
    return account


async def set_disabled(store: Store, actor_id: str | None, user_id: str, *, disabled: bool, now: datetime) -> Account:
    """Close an account (its sign-ins, tokens and socket tickets end) or open it again. Raises NotFound, Conflict for the last admin."""
    async with store.begin() as tx:
        before = await _known(tx, user_id)
        if (before.disabled_at is not None) is disabled:
            return before
        await _keep_an_admin(tx, before, admin_after=not disabled)
        account = replace(before, disabled_at=now if disabled else None)
        await tx.save_account(account)
        if disabled:
            await tx.revoke_logins(account.id, now=now)
            await tx.revoke_api_tokens(account.id, now=now)
            await tx.drop_tickets(account.id)
        await tx.audit(actor_id, "account.close" if disabled else "account.open", account.id)
    return account


async def rename(store: Store, user_id: str, name: str) -> Account:
    """What the pages and shared reports call a person."""
    async with store.begin() as tx:
        account = replace(await _known(tx, user_id), name=name.strip())
        await tx.save_account(account)
    return account


async def invite(
    store: Store, actor_id: str | None, *, note: str, role: Role, places: int, days: int, now: datetime
) -> tuple[Invite, str]:
    """A new code and what it is; the code is told this once (R-135)."""
    code = secrets.token_urlsafe(CODE_BYTES)
    made = Invite(str(uuid4()), note.strip(), role, actor_id, now, now + timedelta(days=days), places)
    async with store.begin() as tx:
        await tx.add_invite(made, hash_token(code))
        await tx.audit(actor_id, "invite.make", made.id, {"role": role.value, "places": places})
    return made, code


async def revoke_invite(store: Store, actor_id: str | None, invite_id: str, now: datetime) -> None:
    """Take a code back. Raises NotFound."""
    async with store.begin() as tx:
        if not await tx.revoke_invite(invite_id, now=now):
            raise NotFound("There is no such invitation that works.")
        await tx.audit(actor_id, "invite.revoke", invite_id)


async def _known(tx: Tx, user_id: str) -> Account:
    account = await tx.account(user_id, for_update=True)
    if account is None:
        raise NotFound(UNKNOWN)
    return account


async def _keep_an_admin(tx: Tx, account: Account, *, admin_after: bool) -> None:
    if account.role is not Role.ADMIN or account.disabled_at is not None or admin_after:
        return
    for other in await tx.accounts():
        if other.id == account.id or other.role is not Role.ADMIN or other.disabled_at is not None:
            continue
        # The one user of `single` mode is an admin whom nobody can sign in as, until the first account takes it over.
        if await tx.password(other.id) is not None or await tx.identities(other.id):
            return
    raise Conflict("This is the last admin: make another one first.")
