"""Puts privacy together: keys and recordings, the jobs that erase and export, and what is done by the clock. Read next: `bridge.usecases.privacy`, `exports`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.domain.privacy import Retention
from bridge.errors import PrepkitError
from bridge.ports import VoiceVendor
from bridge.usecases import privacy
from storage.database import Database
from storage.jobs import Handler
from storage.keys import MasterKeys, SessionKeys
from storage.recordings import FolderRecordings

from . import accounts, carrying, exports, privacy_pages
from .keys import KEYS, RECORDINGS, STORE

ROUND_SECONDS = 30
SCRUB_EVERY = 20
"""Rounds between two cleanings of the database's files, for what came after an erasure."""
ENCRYPT_JOB = "encrypt-recordings"


def keys_of(settings: Settings, database: Database) -> SessionKeys:
    """The keys of what is encrypted at rest. Raises SettingsError for a master key that is none."""
    return SessionKeys(database.jobs_engine, MasterKeys(settings.data_dir / "keys", settings.master_key))


def recordings_of(settings: Settings, database: Database) -> FolderRecordings:
    """Where recordings are kept. Raises SettingsError."""
    return carrying.recordings_of(settings, keys_of(settings, database))


def attach(
    app: web.Application,
    settings: Settings,
    database: Database,
    recordings: FolderRecordings,
    vendors: Mapping[str, VoiceVendor],
) -> dict[str, Handler]:
    """Give the application what privacy needs; returns the handlers of the jobs. `vendors`: those whose copies can be erased, by engine."""
    app[KEYS] = keys = recordings.keys
    app[exports.ARCHIVES] = exports.Archives(settings.data_dir / "exports", keys)
    accounts.add_section(app, accounts.Section("privacy", "account_privacy.html", privacy_pages.own_data))
    store = database
    clocks: list[asyncio.Task[None]] = []

    def now() -> datetime:
        return datetime.now(UTC)

    async def purge(job: dict[str, Any]) -> None:
        await privacy.purge_session(store, app[RECORDINGS], job["sessionId"], now(), receipt_id=job.get("receiptId"))

    async def recording(job: dict[str, Any]) -> None:
        await privacy.erase_recording(
            store, app[RECORDINGS], job["sessionId"], now(), receipt_id=job["receiptId"], again=job.get("again", 0)
        )

    async def vendor(job: dict[str, Any]) -> None:
        await privacy.erase_vendor_copy(
            store, vendors, job["engine"], job["callId"], now(),
            session_id=job["sessionId"], receipt_id=job["receiptId"], again=job["again"],
        )  # fmt: skip

    async def export(job: dict[str, Any]) -> None:
        await exports.make(app, job["exportId"])

    async def erase_export(job: dict[str, Any]) -> None:
        await exports.erase(store, app[exports.ARCHIVES], job["exportId"], job["receiptId"])

    async def encrypt(_: dict[str, Any]) -> None:
        if done := await asyncio.to_thread(recordings.encrypt_old):
            logger.info("{} recordings of an older version were encrypted", done)

    async def clock(app: web.Application) -> AsyncIterator[None]:
        # Fails at the start, not in the first call, when the key cannot be read.
        await asyncio.to_thread(keys.masters.current)
        async with app[STORE].begin() as tx:
            await tx.enqueue(ENCRYPT_JOB, "1", {})
        clocks.append(asyncio.create_task(_rounds(database, settings.retention)))
        yield

    async def stop(_: web.Application) -> None:
        # While the database is still open.
        for running in clocks:
            running.cancel()
        await asyncio.gather(*clocks, return_exceptions=True)

    app.cleanup_ctx.append(clock)
    app.on_shutdown.append(stop)
    return {
        privacy.PURGE_JOB: purge,
        privacy.ERASE_RECORDING_JOB: recording,
        privacy.ERASE_COPY_JOB: vendor,
        privacy.ERASE_EXPORT_JOB: erase_export,
        exports.EXPORT_JOB: export,
        ENCRYPT_JOB: encrypt,
    }


async def _rounds(database: Database, retention: Retention) -> None:
    rounds = 0
    while True:
        try:
            if due := await privacy.delete_old(database, retention=retention, now=datetime.now(UTC)):
                logger.info("{} interviews are erased in whole or in part: their time is over", due)
            await database.jobs.forget(accounts.LETTER_JOB, datetime.now(UTC) - accounts.LETTERS_KEPT)
            if rounds % SCRUB_EVERY == 0:
                await database.scrub()
        except PrepkitError as error:
            logger.info("Cleaning up is tried again: {}", error.code)
        except Exception:  # noqa: BLE001 - The task's top: one failed round must not end the clock.
            logger.opt(exception=True).error("A round of the retention clock failed and will be tried again")
        rounds += 1
        await asyncio.sleep(ROUND_SECONDS)
