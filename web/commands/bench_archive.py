"""`prepkit bench archive`: how long a person's archive takes, ordered from a server that holds so many interviews with reports and recordings of theirs.

Ordered twice: for the first one every PDF is drawn, for the second they are kept (P1). Each interview is half an hour of talk with seven judged questions; its sound, which is
read, decrypted, encrypted and written as it is, is shorter than that so that the benchmark fits on a disk. Read next: `web.exports`, `web.kept_pdfs`.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bridge.config import load
from reporting.grading import Grader
from reporting.job import write_report
from storage.database import Database
from storage.migrate import migrate
from storage.recordings import BYTES_PER_SECOND, FolderRecordings

from .. import pdf
from ..privacy import recordings_of
from ..rehearsal.api import Api, RehearsalFailed
from ..rehearsal.house import House
from .bench_report import GRADINGS, InstantModel, ended

INTERVIEWS = 100
QUICK_INTERVIEWS = 10
SOUND_SECONDS = 60
PATIENCE_SECONDS = 900
OWN_HOUSE = {"PREPKIT_AUTH_MODE": "single", "PREPKIT_MASTER_KEY": "", "PREPKIT_PAYMENTS": "off"}
"""Whatever the person's own server is set to."""
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Archive:
    """One that was made."""

    seconds: float
    """From the order until it is ready."""
    cpu_seconds: float
    """Of the server in that time; the writers of PDFs are other processes."""
    pdfs: int
    """How many of the reports' PDFs are kept now: each was in it."""
    megabytes: float
    peak_mb: float
    """The most memory the server has had since its start."""


async def archive(*, quick: bool = False) -> None:
    """Print both."""
    count = QUICK_INTERVIEWS if quick else INTERVIEWS
    if not pdf.available():
        print("  left out: WeasyPrint or Pango is not on this machine")
        return
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        drawn, kept = await measured(Path(folder), count, SOUND_SECONDS)
    print(f"  {count} interviews, 7 judged questions and {SOUND_SECONDS} s of sound each, {kept.megabytes:.0f} MB")
    for what, made in (("every PDF drawn", drawn), ("PDFs kept", kept)):
        print(
            f"  {what:<16} {made.seconds:6.1f} s, {made.cpu_seconds:5.1f} s CPU and at most {made.peak_mb:.0f} MB of the server"
            f" ({made.pdfs} of {count} PDFs)"
        )


async def measured(folder: Path, count: int, sound_seconds: int) -> tuple[Archive, Archive]:
    """The first archive of so many interviews, and the second."""
    await _fill(folder, count, sound_seconds)
    house = House(folder, environ=OWN_HOUSE)
    await house.start()
    try:
        async with aiohttp.ClientSession() as http:
            api = Api(http, house.url)
            return await _order(api, house), await _order(api, house)
    finally:
        await house.stop()


async def _fill(folder: Path, count: int, sound_seconds: int) -> None:
    settings = load({"PREPKIT_DATA_DIR": str(folder)})
    await migrate(settings.database)
    store = await Database.open(settings.database)
    try:
        recordings = recordings_of(settings, store)
        async with store.begin() as tx:
            user_id = await tx.single_user()
        for _ in range(count):
            session_id = await ended(store, user_id)
            await write_report(store, session_id, grader=Grader(InstantModel(), "instant", GRADINGS))
            await asyncio.to_thread(_record, recordings, session_id, sound_seconds)
    finally:
        await store.close()


def _record(recordings: FolderRecordings, session_id: str, seconds: int) -> None:
    file, noise = recordings.open(session_id), os.urandom(BYTES_PER_SECOND)
    for _ in range(seconds):
        file.append(noise)
    file.close()


async def _order(api: Api, house: House) -> Archive:
    began, cpu = time.monotonic(), await house.cpu_seconds()
    made = await api.call("POST", "/api/me/export")
    path = f"/api/me/export/{made[1]['exportId']}"
    while (told := (await api.call("GET", path))[1])["status"] == "waiting":
        house.check()
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise RehearsalFailed(f"The archive was not ready after {PATIENCE_SECONDS} s.")
        await asyncio.sleep(1)
    seconds = time.monotonic() - began
    if told["status"] != "ready":
        raise RehearsalFailed("The archive could not be made; the server's log says why.")
    cpu = await house.cpu_seconds() - cpu
    found = _PEAK.search(await asyncio.to_thread(Path(f"/proc/{house.pid}/status").read_text))
    return Archive(seconds, cpu, await _kept(house.data_dir), told["size"] / 1e6, int(found[1]) / 1024 if found else 0.0)


async def _kept(folder: Path) -> int:
    store = await Database.open(load({"PREPKIT_DATA_DIR": str(folder)}).database)
    try:
        async with store.read() as tx:
            ids = await tx.sessions_of(await tx.single_user())
            return sum([await tx.kept_pdf(session_id) is not None for session_id in ids])
    finally:
        await store.close()
