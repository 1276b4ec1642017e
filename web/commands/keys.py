"""`prepkit keys` and `prepkit hold`: the master key's age, its exchange without a pause, and what must not be erased (C-52, P3, P4)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from bridge.config import Settings
from bridge.usecases import privacy
from storage.database import Database
from storage.keys import SessionKeys
from storage.migrate import migrate

from ..privacy import keys_of

ROTATE_DAYS = 90


async def show(settings: Settings) -> None:
    """Each master key with its age and what it still wraps; the newest first."""
    database = await _open(settings)
    try:
        keys = keys_of(settings, database)
        counts = await asyncio.to_thread(keys.counts)
        now = datetime.now(UTC)
        for n, master in enumerate(await asyncio.to_thread(keys.masters.all)):
            age = f"{(now - master.made_at).days} days old" if master.made_at else "from PREPKIT_MASTER_KEY"
            role = "in use" if n == 0 else "older"
            click.echo(f"{master.id}  {role:7} {age}, wraps {counts.pop(master.id, 0)} keys")
            if n == 0 and master.made_at and (now - master.made_at).days >= ROTATE_DAYS:
                click.echo(f"It is older than {ROTATE_DAYS} days: run prepkit keys rotate.")
        for missing, count in counts.items():
            click.echo(f"{missing}  MISSING, wraps {count} keys: these recordings cannot be played until it is given again")
    finally:
        await database.close()


async def rotate(settings: Settings) -> None:
    """Make a new master key, or take the newest given one, and wrap every key with it, while servers run."""
    database = await _open(settings)
    try:
        keys = keys_of(settings, database)
        old = await asyncio.to_thread(keys.masters.all)
        if not keys.masters.given:
            made = await asyncio.to_thread(keys.masters.add)
            click.echo(f"New master key {made.id}")
        click.echo(f"{await asyncio.to_thread(rewrap_all, keys)} keys were wrapped anew.")
        if keys.masters.given:
            click.echo("Older keys may now be taken out of PREPKIT_MASTER_KEY.")
        else:
            for master in old:
                await asyncio.to_thread(keys.masters.forget, master.id)
            click.echo("The older master key is not needed any more and was removed. Back the new one up.")
    finally:
        await database.close()


def rewrap_all(keys: SessionKeys) -> int:
    """Batch after batch until none is left; returns how many."""
    total = sum(count for master, count in keys.counts().items() if master != keys.masters.current().id)
    while keys.rewrap():
        pass
    return total


async def hold(settings: Settings, session_id: str, reason: str, *, release: bool) -> None:
    """Keep an interview from being erased, or let it go."""
    database = await _open(settings)
    try:
        if not release:
            await privacy.hold(database, session_id, reason, datetime.now(UTC))
            click.echo("Nothing of this interview is erased until the hold is released.")
        elif await privacy.release(database, session_id, datetime.now(UTC)):
            click.echo("The hold is released. What was to be erased meanwhile is erased by the server now.")
        else:
            click.echo("This interview was not held.")
    finally:
        await database.close()


async def _open(settings: Settings) -> Database:
    await migrate(settings.database)
    return await Database.open(settings.database)
