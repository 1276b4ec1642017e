"""Come in and go out: by password, by a link from a letter, by a set-up link or an invitation, by a cookie or an API token.

Whatever is wrong with an address and a password is said in one sentence after the same work, so that nobody learns who has an account.
A token is 256 random bits, handed out once and kept as a hash; each sign-in gets a new one and ends the one before it. Read next: `people`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from ..domain.account import ABSOLUTE, Account, Person, Role, Scope, Via, normal_email
from ..domain.sign_in import LIFETIMES, MAX_TOKENS, TOUCH_AFTER, ApiToken, Login, OneTime, Purpose
from ..errors import BadCredentials, Conflict, NotFound, Refused
from ..ports import PasswordHasher, Store, Tx
from .calling import hash_token
from .passwords import check

TOKEN_BYTES = 32
API_PREFIX = "pk_"
PREFIX_CHARS = 8
AGENT_CHARS = 120
NOBODY = "00000000-0000-0000-0000-000000000000"
"""Whose password is looked for where there is no account, by the same statement."""
EMAIL_ISSUER = "email"
"""An identity of this issuer says that the address is theirs: by a letter they read, or by the word of whoever let them in."""
WRONG = "E-mail or password is not right."
OVER = "This link does not work: it was used, is too old, or a newer one was sent."
ELSEWHERE = "Open this link in the browser in which you asked for it."
NO_INVITE = "This invitation does not work: check the code, or ask for a new one."
NO_PLACE = "No account can be made with this address. If it is yours, sign in, or ask for a new password."


@dataclass(frozen=True)
class SignedIn:
    """A sign-in that was just made."""

    account: Account
    token: str
    """For the browser's cookie; never stored."""


@dataclass(frozen=True)
class Caller:
    """The browser that signs in."""

    agent: str
    old_token: str = ""
    """What its cookie held until now."""


async def start(tx: Tx, account: Account, caller: Caller, method: str, now: datetime) -> SignedIn:
    """Let the person in; the sign-in that the browser had before is over. Raises Refused for a disabled account."""
    if account.disabled_at is not None:
        raise Refused("This account is closed.")
    if caller.old_token and (before := await tx.login(hash_token(caller.old_token))):
        await tx.revoke_logins(before[0].user_id, now=now, only=before[0].id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    login = Login(
        id=str(uuid4()),
        user_id=account.id,
        method=method,
        agent=caller.agent[:AGENT_CHARS],
        created_at=now,
        seen_at=now,
        expires_at=now + ABSOLUTE,
    )
    await tx.add_login(login, hash_token(token))
    await tx.audit(account.id, "account.sign-in", account.id, {"method": method})
    return SignedIn(account, token)


async def by_password(store: Store, hasher: PasswordHasher, email: str, password: str, caller: Caller, now: datetime) -> SignedIn:
    """Raises BadCredentials for an unknown address, a wrong password, an account without one and a closed one alike."""
    async with store.read() as tx:
        account = await tx.account_by_email(email)
        stored = await tx.password(account.id if account else NOBODY)
    right = await hasher.verify(stored, password)
    if account is None or stored is None or not right or account.disabled_at is not None:
        raise BadCredentials(WRONG)
    fresh = await hasher.hash(password) if hasher.stale(stored) else None
    async with store.begin() as tx:
        # Meanwhile it may have been changed or closed.
        again = await tx.account(account.id, for_update=True)
        # Hashes, both of them from the database.
        same = await tx.password(account.id) == stored  # nosemgrep: secret-compared-for-equality
        if again is None or again.disabled_at is not None or not same:
            raise BadCredentials(WRONG)
        if fresh is not None:
            await tx.set_password(account.id, fresh)
        return await start(tx, again, caller, "password", now)


async def by_cookie(store: Store, token: str, now: datetime) -> Person | None:
    """Who the browser's cookie says it is; None when that is over."""
    async with store.read() as tx:
        found = await tx.login(hash_token(token))
    if found is None or not found[0].works(now) or found[1].disabled_at is not None:
        return None
    login, account = found
    if now - login.seen_at >= TOUCH_AFTER:
        async with store.begin() as tx:
            await tx.touch_login(login.id, now)
    return Person(account, Via.COOKIE, login_id=login.id)


async def by_api_token(store: Store, token: str, now: datetime) -> Person | None:
    """Whose token it is; None when it does not work."""
    async with store.read() as tx:
        found = await tx.api_token(hash_token(token))
    if found is None or not found[0].works(now) or found[1].disabled_at is not None:
        return None
    key, account = found
    if key.used_at is None or now - key.used_at >= TOUCH_AFTER:
        async with store.begin() as tx:
            await tx.touch_api_token(key.id, now)
    return Person(account, Via.TOKEN, scopes=key.scopes)


async def sign_out(store: Store, person: Person, now: datetime, *, login_id: str | None = None) -> bool:
    """End one of the person's sign-ins, their present one when none is named; their unused socket tickets go with it."""
    async with store.begin() as tx:
        ended = await tx.revoke_logins(person.id, now=now, only=login_id or person.login_id or "")
        await tx.drop_tickets(person.id)
        if ended:
            await tx.audit(person.id, "account.sign-out", person.id)
    return ended > 0


async def register(
    store: Store,
    hasher: PasswordHasher,
    *,
    email: str,
    password: str,
    name: str,
    invite: str | None,
    caller: Caller,
    now: datetime,
) -> SignedIn:
    """A new account, let in at once; `invite` is the code, or None where none is needed. Raises InvalidInput, Refused, Conflict."""
    check(password, email, name)
    stored = await hasher.hash(password)
    async with store.begin() as tx:
        role = Role.CANDIDATE
        if invite is not None:
            taken = await tx.take_invite(hash_token(invite.strip()), now=now)
            if taken is None:
                raise Refused(NO_INVITE)
            role = taken.role
        if await tx.account_by_email(email) is not None:
            raise Conflict(NO_PLACE)
        account = Account(str(uuid4()), role, now, name=name.strip(), email=normal_email(email))
        await tx.add_account(account)
        await tx.set_password(account.id, stored)
        if invite is not None:
            await tx.add_identity(EMAIL_ISSUER, account.email, account.id)
        await tx.audit(account.id, "account.register", account.id, {"role": role.value})
        return await start(tx, account, caller, "invite" if invite is not None else "password", now)


async def offer_set_up(store: Store, now: datetime) -> str | None:
    """A token for making the first account; None once somebody can sign in. An older one stops working."""
    async with store.begin() as tx:
        if await tx.passwords():
            return None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await tx.add_one_time(OneTime(Purpose.SETUP, now, now + LIFETIMES[Purpose.SETUP]), hash_token(token))
    return token


async def set_up(
    store: Store, hasher: PasswordHasher, token: str, *, email: str, password: str, name: str, caller: Caller, now: datetime
) -> SignedIn:
    """The first account, an admin: it takes over what the one user of `single` mode has. Raises NotFound, InvalidInput, Conflict."""
    check(password, email, name)
    stored = await hasher.hash(password)
    async with store.begin() as tx:
        if await tx.take_one_time(hash_token(token), Purpose.SETUP, now=now) is None or await tx.passwords():
            raise NotFound(OVER)
        before = await tx.account(await tx.single_user(), for_update=True)
        assert before is not None  # noqa: S101 - single_user has just made sure.
        account = replace(before, role=Role.ADMIN, email=normal_email(email), name=name.strip(), disabled_at=None)
        await tx.save_account(account)
        await tx.set_password(account.id, stored)
        await tx.add_identity(EMAIL_ISSUER, account.email, account.id)
        await tx.audit(account.id, "account.set-up", account.id)
        return await start(tx, account, caller, "setup", now)


async def offer_letter(
    store: Store, purpose: Purpose, email: str, browser_hash: str | None, now: datetime
) -> tuple[Account, str] | None:
    """A token for a letter to the person with this address; None when there is nobody to write to."""
    async with store.begin() as tx:
        account = await tx.account_by_email(email)
        if account is None or account.disabled_at is not None:
            return None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        offer = OneTime(purpose, now, now + LIFETIMES[purpose], user_id=account.id, browser_hash=browser_hash)
        await tx.add_one_time(offer, hash_token(token))
    return account, token


async def by_link(store: Store, token: str, browser: str, caller: Caller, now: datetime) -> SignedIn:
    """Let in whoever reads the letters, in the browser that asked. Raises NotFound, Refused for another browser."""
    async with store.begin() as tx:
        offer = await tx.one_time(hash_token(token), Purpose.LINK, now=now)
        if offer is None:
            raise NotFound(OVER)
        if not secrets.compare_digest(offer.browser_hash or "", hash_token(browser)):
            raise Refused(ELSEWHERE)
        account = await _taken(tx, token, Purpose.LINK, now)
        return await start(tx, account, caller, "link", now)


async def reset(store: Store, hasher: PasswordHasher, token: str, password: str, caller: Caller, now: datetime) -> SignedIn:
    """A new password from a letter; every sign-in and token from before is over. Raises NotFound, InvalidInput."""
    async with store.read() as tx:
        offer = await tx.one_time(hash_token(token), Purpose.RESET, now=now)
        account = await tx.account(offer.user_id or "") if offer else None
    if account is None:
        raise NotFound(OVER)
    check(password, account.email, account.name)
    stored = await hasher.hash(password)
    async with store.begin() as tx:
        account = await _taken(tx, token, Purpose.RESET, now)
        await tx.set_password(account.id, stored)
        await tx.revoke_logins(account.id, now=now)
        await tx.revoke_api_tokens(account.id, now=now)
        await tx.drop_tickets(account.id)
        await tx.audit(account.id, "account.reset-password", account.id)
        return await start(tx, account, caller, "reset", now)


async def _taken(tx: Tx, token: str, purpose: Purpose, now: datetime) -> Account:
    """Whose letter it was. With an open sign-up anybody may have taken the address before its owner: what they set up then goes."""
    offer = await tx.take_one_time(hash_token(token), purpose, now=now)
    account = await tx.account(offer.user_id or "", for_update=True) if offer else None
    if account is None or account.disabled_at is not None:
        raise NotFound(OVER)
    if await tx.add_identity(EMAIL_ISSUER, account.email, account.id):
        await tx.set_password(account.id, None)
        await tx.revoke_logins(account.id, now=now)
        await tx.revoke_api_tokens(account.id, now=now)
    return account


async def change_password(
    store: Store, hasher: PasswordHasher, person: Person, old: str, new: str, caller: Caller, now: datetime
) -> SignedIn:
    """A new password; every other sign-in is over, and this one gets a new token. Raises BadCredentials, InvalidInput."""
    async with store.read() as tx:
        stored = await tx.password(person.id)
    # Who came by a letter and has none yet sets a first one.
    if stored is not None and not await hasher.verify(stored, old):
        raise BadCredentials("The present password is not right.")
    check(new, person.account.email, person.account.name)
    fresh = await hasher.hash(new)
    async with store.begin() as tx:
        if await tx.password(person.id) != stored:  # nosemgrep: secret-compared-for-equality - Two hashes of the database's.
            raise Conflict("The password was changed elsewhere meanwhile.")
        await tx.set_password(person.id, fresh)
        await tx.revoke_logins(person.id, now=now)
        await tx.drop_tickets(person.id)
        await tx.audit(person.id, "account.password", person.id)
        return await start(tx, person.account, caller, "password", now)


async def make_api_token(
    store: Store, user_id: str, name: str, scopes: frozenset[Scope], now: datetime, *, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A key for programs and what to send; that is told this once. Raises Conflict for one too many."""
    secret = API_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    token = ApiToken(str(uuid4()), user_id, name.strip(), secret[:PREFIX_CHARS], scopes, now, expires_at)
    async with store.begin() as tx:
        if sum(each.works(now) for each in await tx.api_tokens(user_id)) >= MAX_TOKENS:
            raise Conflict(f"You have {MAX_TOKENS} tokens that work. Take one back first.")
        await tx.add_api_token(token, hash_token(secret))
        await tx.audit(user_id, "token.make", token.id, {"scopes": sorted(scopes)})
    return token, secret


async def revoke_api_token(store: Store, user_id: str, token_id: str, now: datetime) -> None:
    """Take a token back at once. Raises NotFound."""
    async with store.begin() as tx:
        if not any(each.id == token_id for each in await tx.api_tokens(user_id)):
            raise NotFound("There is no such token.")
        if await tx.revoke_api_tokens(user_id, now=now, only=token_id):
            await tx.audit(user_id, "token.revoke", token_id)
