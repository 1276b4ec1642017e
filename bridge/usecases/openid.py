"""Sign in at an OpenID provider: go there, come back in the same browser within ten minutes, once (R-002).

What must come back is kept under the hash of `state`, bound to the browser that left. Read next: `identities`, `clients.oidc`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.account import Role
from ..domain.mail import checked_address
from ..domain.sign_in import LIFETIMES, OneTime, Purpose
from ..errors import InvalidInput, NotFound, Refused
from ..ports import OpenIdProvider, Store
from .calling import hash_token
from .identities import Vouched, role_of, settle
from .sign_in import TOKEN_BYTES, Caller, SignedIn, start

LOST = "This sign-in was not begun in this browser, or too long ago. Start again from the sign-in page."
LONGEST = 255


async def leave(store: Store, provider: OpenIdProvider, browser: str, next_page: str, redirect_uri: str, now: datetime) -> str:
    """Where the browser goes. Raises UpstreamFailed."""
    state, nonce, verifier = (secrets.token_urlsafe(TOKEN_BYTES) for _ in range(3))
    address = await provider.address(state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri)
    data = {"nonce": nonce, "verifier": verifier, "next": next_page}
    kept = OneTime(Purpose.OIDC, now, now + LIFETIMES[Purpose.OIDC], browser_hash=hash_token(browser), data=data)
    async with store.begin() as tx:
        await tx.add_one_time(kept, hash_token(state))
    return address


async def come_back(
    store: Store,
    provider: OpenIdProvider,
    *,
    state: str,
    code: str,
    browser: str,
    redirect_uri: str,
    groups_claim: str,
    roles: Mapping[str, Role],
    caller: Caller,
    now: datetime,
) -> tuple[SignedIn, str]:
    """The sign-in, and the page that was wanted. Raises NotFound, Refused, UpstreamFailed, BadSignature."""
    async with store.begin() as tx:
        kept = await tx.one_time(hash_token(state), Purpose.OIDC, now=now)
        if kept is None or not secrets.compare_digest(kept.browser_hash or "", hash_token(browser)):
            raise NotFound(LOST)
        if await tx.take_one_time(hash_token(state), Purpose.OIDC, now=now) is None:
            raise NotFound(LOST)
    if not code:
        raise Refused("The provider did not let you in. Try again, or ask whoever runs it.")
    claims = await provider.claims(code, nonce=kept.data["nonce"], verifier=kept.data["verifier"], redirect_uri=redirect_uri)
    vouched = vouched_for(claims, groups_claim, roles)
    async with store.begin() as tx:
        account = await settle(tx, vouched, now)
        return await start(tx, account, caller, "oidc", now), str(kept.data["next"])


def vouched_for(claims: Mapping[str, Any], groups_claim: str, roles: Mapping[str, Role]) -> Vouched:
    """A person by verified claims; an address only where the provider says that it is theirs."""
    groups = claims.get(groups_claim)
    listed = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
    email = claims.get("email")
    proved = isinstance(email, str) and claims.get("email_verified") is True
    name = claims.get("name") or claims.get("preferred_username") or ""
    return Vouched(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        email=_address(str(email)) if proved else "",
        name=str(name)[:LONGEST] if isinstance(name, str) else "",
        role=role_of(listed, roles),
    )


def _address(text: str) -> str:
    try:
        return checked_address(text)
    except InvalidInput:
        return ""
