"""Accounts as the application has them: what is kept for them while it runs, letters with links, who must be sent off, the first account.

`attach` is called once while the application is put together. Other parts add their sections to the account page with `add_section`.
Read next: `auth`, `api.sign_in`, `account_pages`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from aiohttp import web
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError

from bridge.config import AuthMode, Settings, is_loopback
from bridge.domain.mail import Letter
from bridge.domain.sign_in import LIFETIMES, Purpose
from bridge.errors import NotFound, NotInstalled
from bridge.ports import OpenIdProvider, PasswordHasher, Store
from bridge.usecases import sign_in
from storage.counts import PostgresCounts
from storage.database import Database
from storage.jobs import Handler

from .auth import STREAMS, send_off
from .keys import MAILER, SETTINGS, STORE, SUPERVISOR
from .limiting import LIMITS, Limits

LETTER_JOB = "account-letter"
LETTERS_KEPT = timedelta(hours=1)
"""Of a job that has ended: the address in it may be of somebody who has no account here, or none any more."""
LOOK_SECONDS = 2
"""How often closed accounts are looked for among live calls; a command in another process may have closed one."""
SUBJECTS = {Purpose.LINK: "Your link to sign in to PrepKit", Purpose.RESET: "A new password for PrepKit"}
PATHS = {Purpose.LINK: "/sign-in/link", Purpose.RESET: "/reset"}
TEXTS = {
    Purpose.LINK: "Open this link in the browser in which you asked for it, and press the button there:\n\n{url}\n\n"
    "It works once, for {minutes} minutes. If you did not ask for it, do nothing: nobody can sign in with it elsewhere.\n",
    Purpose.RESET: "Choose a new password here:\n\n{url}\n\n"
    "It works once, for {minutes} minutes. If you did not ask for it, do nothing: your password stays as it is.\n",
}
PROVIDER: web.AppKey[OpenIdProvider | None] = web.AppKey("openid")
"""None where nobody signs in at one."""
HASHER: web.AppKey[PasswordHasher | None] = web.AppKey("hasher")
"""None where nobody signs in with a password."""


@dataclass(frozen=True)
class Section:
    """A part of the account page: a template that is included, and what it needs beside `me`."""

    slug: str
    template: str
    context: Callable[[web.Request], Awaitable[dict[str, Any]]]


SECTIONS: web.AppKey[list[Section]] = web.AppKey("account_sections")


def add_section(app: web.Application, section: Section) -> None:
    """Add a part to the account page; its context is `sections[slug]` in the template."""
    app[SECTIONS].append(section)


def attach(app: web.Application, database: Database) -> dict[str, Handler]:
    """Give the application what accounts need; returns the handlers of the jobs."""
    app[LIMITS], app[STREAMS], app[SECTIONS] = Limits(None if database.is_sqlite else PostgresCounts(database)), {}, []
    app[HASHER] = hasher_of(app[SETTINGS])
    app[PROVIDER] = provider = provider_of(app[SETTINGS])
    app.cleanup_ctx.append(_watch)
    if provider:
        app.on_cleanup.append(lambda _: provider.close())

    async def write(payload: dict[str, Any]) -> None:
        await _write(app, payload)

    return {LETTER_JOB: write}


def provider_of(settings: Settings) -> OpenIdProvider | None:
    """Where people sign in, in `oidc` mode."""
    if settings.auth_mode is not AuthMode.OIDC:
        return None
    # Its library is for this mode only.
    from bridge.clients.oidc import OidcClient  # noqa: PLC0415

    here = is_loopback(urlsplit(settings.oidc_issuer).hostname or "")
    return OidcClient(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_scopes, here=here)


def hasher_of(settings: Settings) -> PasswordHasher | None:
    """What makes passwords unreadable, in `local` mode."""
    if settings.auth_mode is not AuthMode.LOCAL:
        return None
    # Its library is for this mode only.
    from bridge.clients.argon2 import Argon2Hasher  # noqa: PLC0415

    return Argon2Hasher()


def hasher(request: web.Request) -> PasswordHasher:
    """The hasher. Raises NotFound where nobody signs in with a password."""
    found = request.app[HASHER]
    if found is None:
        raise NotFound("Nobody signs in with a password on this server.")
    return found


def public_url(settings: Settings) -> str:
    """The address people open, without a slash at the end."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url.rstrip("/") or f"http://{host}:{settings.port}"


async def ask_letter(request: web.Request, purpose: Purpose, email: str, browser_hash: str | None) -> None:
    """Have a letter written, if there is anybody to write to: that is found out by the job, so that the answer takes as long either way.

    Raises NotInstalled without a mailer, NotFound where nobody signs in with a password.
    """
    hasher(request)
    if request.app[MAILER] is None:
        raise NotInstalled("This server sends no e-mail: ask whoever runs it for a new password.")
    async with request.app[STORE].begin() as tx:
        payload = {"purpose": purpose.value, "email": email, "browser": browser_hash}
        await tx.enqueue(LETTER_JOB, str(uuid4()), payload)


async def _write(app: web.Application, payload: dict[str, Any]) -> None:
    purpose, mailer = Purpose(payload["purpose"]), app[MAILER]
    offered = await sign_in.offer_letter(app[STORE], purpose, payload["email"], payload["browser"], datetime.now(UTC))
    if offered is None or mailer is None:
        return
    account, token = offered
    # Behind the # it reaches no server's log, and a mail filter that opens the page uses nothing up.
    url = f"{public_url(app[SETTINGS])}{PATHS[purpose]}#{quote(token)}"
    minutes = int(LIFETIMES[purpose].total_seconds() // 60)
    await mailer.send(
        Letter(f"account-{uuid4()}", account.email, SUBJECTS[purpose], TEXTS[purpose].format(url=url, minutes=minutes))
    )


async def first_account_url(settings: Settings, store: Store) -> str | None:
    """Where the first account is made, once; None when there is one."""
    if settings.auth_mode is not AuthMode.LOCAL:
        return None
    token = await sign_in.offer_set_up(store, datetime.now(UTC))
    return f"{public_url(settings)}/welcome#{quote(token)}" if token else None


async def _watch(app: web.Application) -> AsyncIterator[None]:
    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                for user_id in app[SUPERVISOR].owners:
                    async with app[STORE].read() as tx:
                        account = await tx.account(user_id)
                    if account is None or account.disabled_at is not None:
                        await send_off(app, user_id)
            except (SQLAlchemyError, OSError) as error:
                # The database is away for a moment: whoever was shut out meanwhile is sent off in a later round.
                logger.warning("Could not look for closed accounts: {}", type(error).__name__)

    watching = asyncio.create_task(look())
    yield
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
