"""Recordings in a bucket: builds its client where one is set, and carries up what waits on this machine's disk (R-053, R-112).

No job of the shared queue does that: only this machine has the files. They are the queue themselves, so a kill loses nothing of it; a store that is away is tried again with
growing pauses. Stopping carries up what the last calls left, within a bound. Read next: `storage.bucket_recordings`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.config.recordings import Bucket as Place
from bridge.errors import RecordingsAway, SettingsError
from storage.keys import SessionKeys
from storage.recordings import FolderRecordings

from .keys import RECORDINGS

if TYPE_CHECKING:
    from storage.bucket import Bucket
    from storage.bucket_recordings import BucketRecordings

ROUND_SECONDS = 30
FIRST_PAUSE_SECONDS = 5
MOST_PAUSE_SECONDS = 300
STOP_SECONDS = 8
"""For what the last calls left; the whole stop has 20. What is still on its way then stays on the disk, for the next start."""
NOT_INSTALLED = "PREPKIT_RECORDINGS_URL names a bucket, but its client is not installed: pip install 'prepkit-voice-bridge[s3]'."


def bucket_of(settings: Settings, place: Place) -> Bucket:
    """The client of the bucket. Raises SettingsError when it is not installed."""
    try:
        # Without a bucket nothing of the client is loaded.
        from storage.bucket import Bucket  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(NOT_INSTALLED) from error

    return Bucket(
        place.name,
        place.prefix,
        endpoint=settings.aws_endpoint_url,
        region=settings.aws_region or "us-east-1",
        key_id=settings.aws_access_key_id,
        secret=settings.aws_secret_access_key,
        token=settings.aws_session_token,
    )


def recordings_of(settings: Settings, keys: SessionKeys) -> FolderRecordings:
    """Where recordings are kept: a folder, or a bucket with a folder for what waits. Raises SettingsError."""
    if settings.bucket is None:
        return FolderRecordings(settings.recordings, keys)
    bucket = bucket_of(settings, settings.bucket)
    from storage.bucket_recordings import BucketRecordings  # noqa: PLC0415

    return BucketRecordings(settings.recordings, bucket, keys)


def attach(app: web.Application, settings: Settings) -> None:
    """Carry recordings up while the application runs, where there is a bucket. After the database: its end comes before the database's."""
    if settings.bucket is None:
        return
    recordings = cast("BucketRecordings", app[RECORDINGS])

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        stopping = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        recordings.wake = wake
        task = asyncio.create_task(_carry_on(recordings, woken, stopping))
        yield
        # What runs in a thread cannot be cancelled: it is asked to end, and left when its store keeps it.
        stopping.set()
        woken.set()
        await asyncio.wait({task}, timeout=STOP_SECONDS + 2)
        task.cancel()

    app.cleanup_ctx.append(lifetime)


async def _carry_on(recordings: BucketRecordings, woken: asyncio.Event, stopping: asyncio.Event) -> None:
    pause = 0
    while True:
        woken.clear()
        last = stopping.is_set()
        try:
            await asyncio.to_thread(recordings.carry, time.monotonic() + STOP_SECONDS if last else None)
            pause = 0
        except RecordingsAway as error:
            pause = min(MOST_PAUSE_SECONDS, pause * 2 or FIRST_PAUSE_SECONDS)
            logger.warning("Recordings wait on this machine's disk: {} ({})", error.reason, error.vendor_says or "no answer")
        except Exception:  # noqa: BLE001 - The task's top: one failed round must not end the carrying.
            pause = MOST_PAUSE_SECONDS
            logger.opt(exception=True).error("A round of carrying up recordings failed and will be tried again")
        if last:
            return
        # A part that was just closed wakes it; a store that is away is left alone for the pause.
        waited = asyncio.create_task(stopping.wait() if pause else woken.wait())
        await asyncio.wait({waited}, timeout=pause or ROUND_SECONDS)
        waited.cancel()
