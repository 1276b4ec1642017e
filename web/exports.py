"""Archives of everything about one person: made by a job, encrypted where they lie, gone after some days (R-117, P1).

The ZIP is written as a stream through the encryption, so that neither memory nor disk ever holds it in plain. Read next: `storage.personal` (which tables), `api.privacy`.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from bridge.domain.agenda import Agenda
from bridge.domain.privacy import Copy, CopyState
from bridge.domain.session import InterviewSession
from bridge.errors import Conflict, NotFound, PrepkitError
from bridge.ports import Export, Recording, RecordingStore, Store
from storage.keys import SessionKeys
from storage.recordings import Kept
from storage.sealing import FileBlob, Seal, SealedReader, SealedWriter

from . import kept_pdfs, pdf, reports
from .api.interviews import interview_json
from .keys import RECORDINGS, STORE

EXPORT_JOB = "make-export"
PIECE_BYTES = 1024 * 1024
GIVE_UP_MINUTES = 30
"""An archive that is not ready by then has failed, and another may be ordered."""
AHEAD = 2 * pdf.MAX_WRITERS
"""Interviews whose reports are drawn, or wait to be, while one is written into the archive: no writer stands still, and memory is bounded."""
AT_ONCE = "An archive is being made already. It is in the list when it is ready."
SUFFIXES = {"audio/mpeg": "mp3", "audio/wav": "wav"}
README = """What this is
============
Everything this server keeps about you, made on {made}.

data/            every row of its database that is tied to you, a file a table; secrets (hashes of tokens, keys) are left out
interviews/      a folder for each interview: its questions, words and report, the recording, the report as a PDF where that could be made

Recordings are WAV files with two channels: you on the left, the interviewer on the right.
{missing}"""


class _Stream:
    """What zipfile writes to: forwards only."""

    def __init__(self, writer: SealedWriter) -> None:
        self._writer = writer

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        self._writer.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """The writer decides."""

    def close(self) -> None:
        """The writer is closed by whoever made it."""


class Archives:
    """The folder of archives."""

    def __init__(self, folder: Path, keys: SessionKeys) -> None:
        self._folder = folder
        self._keys = keys

    def path(self, export_id: str) -> Path:
        """Of one."""
        return self._folder / f"{export_id}.zip.sealed"

    def write(self, export_id: str) -> SealedWriter:
        """A new one, in place of what an attempt before left."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path(export_id).unlink(missing_ok=True)
        return SealedWriter(self.path(export_id), Seal(self._keys.make(export_id), f"{export_id}/export"))

    def find(self, export_id: str) -> Recording | None:
        """To be sent; None when it is gone."""
        key = self._keys.get(export_id)
        if key is None or not self.path(export_id).is_file():
            return None
        return Kept(SealedReader(FileBlob(self.path(export_id)), Seal(key, f"{export_id}/export")), "application/zip")

    def delete(self, export_id: str) -> bool:
        """Destroy its key and remove it."""
        existed = self._keys.destroy(export_id)
        self.path(export_id).unlink(missing_ok=True)
        return existed


ARCHIVES: web.AppKey[Archives] = web.AppKey("archives", Archives)


async def order(store: Store, user_id: str, now: datetime) -> Export:
    """Have an archive made. Raises Conflict while one is being made."""
    async with store.begin() as tx:
        for known in await tx.exports(user_id):
            if known.state == "waiting" and now - known.made_at < timedelta(minutes=GIVE_UP_MINUTES):
                raise Conflict(AT_ONCE)
            if known.state == "waiting":
                await tx.save_export(replace(known, state="failed", finished_at=now))
        made = Export(str(uuid4()), user_id, "waiting", now)
        await tx.add_export(made)
        await tx.enqueue(EXPORT_JOB, made.id, {"exportId": made.id})
        return made


async def make(app: web.Application, export_id: str) -> None:
    """Make an archive that was ordered. Safe to repeat: it begins anew."""
    store, recordings, archives = app[STORE], app[RECORDINGS], app[ARCHIVES]
    async with store.read() as tx:
        export = await tx.export(export_id)
        if export is None or export.state != "waiting":
            return
        rows = await tx.personal_rows(export.user_id)
    writer = await asyncio.to_thread(archives.write, export_id)
    try:
        archive = zipfile.ZipFile(_Stream(writer), "w", zipfile.ZIP_DEFLATED)
        missing: list[str] = []
        ids = [session["id"] for session in rows["interview_sessions"] if session["status"] != "deleted"]
        async with pdf.Press(app[pdf.WRITERS]) as press, asyncio.TaskGroup() as group:
            waiting = iter(ids)
            ahead = deque((each, group.create_task(_drawn(app, press, each, missing))) for each in islice(waiting, AHEAD))
            while ahead:
                session_id, drawn = ahead.popleft()
                found = await drawn
                ahead.extend((each, group.create_task(_drawn(app, press, each, missing))) for each in islice(waiting, 1))
                if found is not None:
                    folder, written = found
                    await asyncio.to_thread(_add, archive, written, partial(_audio, recordings, session_id, folder), missing)
        await asyncio.to_thread(_finish, archive, rows, missing)
        size = writer.size
    finally:
        await asyncio.to_thread(writer.close)
    async with store.begin() as tx:
        known = await tx.export(export_id)
        if known is not None:
            await tx.save_export(replace(known, state="ready", finished_at=datetime.now(UTC), size=size))
    if known is None:
        # Its person was erased meanwhile.
        await asyncio.to_thread(archives.delete, export_id)


async def erase(store: Store, archives: Archives, export_id: str, receipt_id: str | None) -> None:
    """Remove an archive. Safe to repeat."""
    await asyncio.to_thread(archives.delete, export_id)
    async with store.begin() as tx:
        await tx.drop_export(export_id)
        if receipt_id:
            line = Copy("An archive made for download", "this server", CopyState.ERASED, datetime.now(UTC))
            await tx.mark_copies(receipt_id, {f"export/{export_id}": line})


async def owned(store: Store, user_id: str, export_id: str) -> Export:
    """The person's own. Raises NotFound."""
    async with store.read() as tx:
        export = await tx.export(export_id)
    if export is None or export.user_id != user_id:
        raise NotFound("There is no such archive. It may have been removed after some days; have another made.")
    return export


async def _drawn(
    app: web.Application, press: pdf.Press, session_id: str, missing: list[str]
) -> tuple[str, dict[str, bytes]] | None:
    """An interview's folder and, by name, what is written into it beside its sound; None when it is gone."""
    async with app[STORE].read() as tx:
        session = await tx.session(session_id)
        if session is None:
            return None
        events = [stored.event for stored in await tx.events(session_id)]
        turns = await tx.turns(session_id)
        report = await tx.report(session_id)
        shown = await reports.placed(app, tx, session, report) if report else None
    body = report.body if report else None
    agenda = Agenda(session.setup, session.questions, events)
    folder = _folder(session)
    files: dict[str, bytes] = {f"{folder}/interview.json": _json(interview_json(session, agenda, turns, body))}
    if shown is not None and await asyncio.to_thread(pdf.available):
        try:
            files[f"{folder}/report.pdf"] = await kept_pdfs.of(app, session_id, shown, press=press, any_day=True)
        except PrepkitError as error:
            missing.append(f"{folder}/report.pdf: {error.message}")
    return folder, files


def _add(
    archive: zipfile.ZipFile, files: Mapping[str, bytes], audio: Callable[[], dict[str, Recording]], missing: list[str]
) -> None:
    for name, data in files.items():
        archive.writestr(name, data)
    try:
        found = audio()
    except PrepkitError as error:
        missing.append(f"recordings of {next(iter(files))}: {error.message}")
        return
    for name, recording in found.items():
        with (
            closing(recording),
            archive.open(zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6]), "w", force_zip64=True) as member,
        ):
            for start in range(0, recording.size, PIECE_BYTES):
                member.write(recording.read(start, start + PIECE_BYTES))


def _audio(recordings: RecordingStore, session_id: str, folder: str) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    ours = recordings.find(session_id)
    if ours is not None:
        found[f"{folder}/recording.wav"] = ours
    for n, copy in enumerate(recordings.vendor_copies(session_id), 1):
        found[f"{folder}/vendor-recording-{n}.{SUFFIXES.get(copy.media_type, 'audio')}"] = copy
    return found


def _finish(archive: zipfile.ZipFile, rows: Mapping[str, list[dict[str, Any]]], missing: list[str]) -> None:
    for table, found in rows.items():
        archive.writestr(f"data/{table}.json", _json(found))
    words = "\nLeft out, and why:\n" + "\n".join(missing) + "\n" if missing else ""
    archive.writestr("README.txt", README.format(made=f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC", missing=words))
    archive.close()


def _folder(session: InterviewSession) -> str:
    return f"interviews/{session.created_at:%Y-%m-%d}-{session.setup.type.value}-{session.id[:8]}"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
