"""Ages of the secrets this server runs with: noted at its start, shown to admins beside the figures, warned of when old (R-120, C-52).

Names of settings and times only: a value is never shown, kept or logged. Read next: `bridge.domain.secret_ages`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.config.secrets import configured
from bridge.domain.account import Role
from bridge.domain.secret_ages import Secret, SecretAge, ages, marked
from bridge.ports import Store

from ..auth import current
from ..keys import SETTINGS, STORE

SECRETS: web.AppKey[tuple[Secret, ...]] = web.AppKey("secrets")


async def looked_up(
    settings: Settings, store: Store, now: datetime, secrets: tuple[Secret, ...] | None = None
) -> list[SecretAge]:
    """Every secret that is set, the oldest first; changes nothing."""
    if secrets is None:
        secrets = await asyncio.to_thread(marked, configured(settings))
    async with store.read() as tx:
        return ages(secrets, await tx.secrets_since(secrets), now)


async def noting(app: web.Application) -> AsyncIterator[None]:
    """At the start: since when each has its value, and a line in the log for those that are due."""
    settings, now = app[SETTINGS], datetime.now(UTC)
    secrets = app[SECRETS] = await asyncio.to_thread(marked, configured(settings))
    if secrets:
        async with app[STORE].begin() as tx:
            await tx.see_secrets(secrets, now)
        for age in await looked_up(settings, app[STORE], now, secrets):
            if age.old(settings.key_days):
                logger.warning("{} has had its value for {} days: exchange it", age.variable, age.days)
    yield


async def shown(request: web.Request) -> list[dict[str, Any]] | None:
    """What an admin sees of them; None for others, and where there is none."""
    if not current(request).may(Role.ADMIN):
        return None
    settings = request.app[SETTINGS]
    found = await looked_up(settings, request.app[STORE], datetime.now(UTC), request.app[SECRETS])
    return [
        {
            "variable": age.variable,
            "mark": age.mark,
            "since": f"{age.since.day} {age.since:%b %Y}" if age.since else "–",
            "days": age.days,
            "old": age.old(settings.key_days),
        }
        for age in found
    ]
