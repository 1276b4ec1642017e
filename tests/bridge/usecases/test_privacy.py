"""Erasing on real parts: the vendor's copy over its wire, legal holds, a purge that is cut off at every step (R-114, R-115, P2, P3, M9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.clients.vapi import VapiClient
from bridge.config import Settings
from bridge.domain.privacy import Retention
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.upstream import EngineCall
from bridge.usecases import privacy
from storage.database import Database
from storage.job_queue import JobStatus
from storage.migrate import migrate
from storage.recordings import FolderRecordings
from web.privacy import recordings_of

from ...recordings import recordings_in
from ...storage.killed import working
from ...storage.samples import report, stored
from ...web.standins.vapi_client import KEY, body, create, faults, vapi

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
KILLED, INSTANTS = -9, 6
"""Exit code of a process that was killed; fewer points than this would mean that nothing is killed in the middle any more."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    """A database of its own."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    await migrate(url)
    opened = await Database.open(url, clock=lambda: NOW)
    yield opened
    await opened.close()


async def recorded(store: Database, recordings: FolderRecordings, **changes: Any) -> InterviewSession:
    """A finished interview with a report and a recording."""
    session = await stored(store, **{"status": SessionStatus.COMPLETED, "has_recording": True, "created_at": NOW, **changes})
    async with store.begin() as tx:
        await tx.add_report(report(session.id))
    recordings.open(session.id).close()
    return session


async def state(store: Database, receipt_id: str) -> dict[str, str]:
    """Of each copy, by the last word of its key."""
    async with store.read() as tx:
        found = await tx.receipt(receipt_id)
    assert found is not None
    return {key.rpartition("/")[2]: copy.state.value for key, copy in found.copies.items()}


@pytest.mark.parametrize(("existed", "said"), [(True, "erased"), (False, "not_there")])
async def test_the_vendor_erases_its_copy(store: Database, tmp_path: Path, existed: bool, said: str):
    """P2, M9: the upstream delete is called for the call's id, over the real client; the receipt says what became of it."""
    session = await recorded(store, recordings_in(tmp_path / "r"))
    async with vapi() as standin:
        call_id = (await create(standin, body()))["id"] if existed else "3f2a6c1e-8d5b-4c0f-9a7e-1b2c3d4e5f60"
        async with store.begin() as tx:
            await tx.add_engine_call(EngineCall(call_id, "vapi", session.id, NOW, base_ms=0))
        receipt = await privacy.delete_session(store, session.user_id, session.id, NOW)
        client: VapiClient[Any] = VapiClient(KEY, standin.url, lambda ws: ws)
        try:
            for _ in range(2):
                await privacy.erase_vendor_copy(
                    store, {"vapi": client}, "vapi", call_id, NOW, session_id=session.id, receipt_id=receipt.id
                )
        finally:
            await client.close()

        assert standin.erased == ([call_id] if existed else [])
    assert (await state(store, receipt.id))[call_id] == said


async def test_a_vendor_that_does_not_answer_is_asked_again(store: Database, tmp_path: Path):
    """M9: later, in a job of its own, until two days are over; then the receipt says who must do it by hand."""
    session = await recorded(store, recordings_in(tmp_path / "r"))
    async with store.begin() as tx:
        await tx.add_engine_call(EngineCall("call-1", "vapi", session.id, NOW, base_ms=0))
    receipt = await privacy.delete_session(store, session.user_id, session.id, NOW)
    async with vapi(faults=faults(erase_status=503)) as standin:
        client: VapiClient[Any] = VapiClient(KEY, standin.url, lambda ws: ws)
        try:
            for again in range(len(privacy.VENDOR_WAITS) + 1):
                assert (await state(store, receipt.id))["call-1"] == "pending"
                await privacy.erase_vendor_copy(
                    store, {"vapi": client}, "vapi", "call-1", NOW, session_id=session.id, receipt_id=receipt.id, again=again
                )
        finally:
            await client.close()

    assert (await state(store, receipt.id))["call-1"] == "failed"
    assert await store.jobs.status(privacy.ERASE_COPY_JOB, f"vapi:call-1:{receipt.id}:1") is JobStatus.WAITING


class CutOff:
    """A store whose process dies at its n-th transaction."""

    def __init__(self, store: Database, after: int) -> None:
        self._store, self._left = store, after

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        """As the real one, while it lives."""
        self._left -= 1
        if self._left < 0:
            raise asyncio.CancelledError
        async with self._store.begin() as tx:
            yield tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("after", range(4))
async def test_a_purge_that_was_cut_off_is_finished_by_the_next(store: Database, tmp_path: Path, after: int):
    """P3: wherever it stopped, the second run leaves the same: nothing of the interview, and a receipt that says so."""
    recordings = recordings_in(tmp_path / "r")
    session = await recorded(store, recordings)
    receipt = await privacy.delete_session(store, session.user_id, session.id, NOW)
    try:
        await privacy.purge_session(CutOff(store, after), recordings, session.id, NOW, receipt_id=receipt.id)  # type: ignore[arg-type]
    except asyncio.CancelledError:
        assert after < 3

    await privacy.purge_session(store, recordings, session.id, NOW, receipt_id=receipt.id)

    found = await state(store, receipt.id)
    assert (found["words"], recordings.find(session.id)) == ("erased", None)
    assert found["recording"] in ("erased", "not_there")
    async with store.read() as tx:
        assert await tx.report(session.id) is None


async def test_a_purge_by_age_killed_at_every_point(store: Database, tmp_path: Path):
    """P3: SIGKILL around every commit of a day-91 purge: the next process finishes it, and what is 89 days old is all there."""
    settings = Settings(data_dir=tmp_path)
    recordings = recordings_of(settings, store)
    young = await recorded(store, recordings, created_at=NOW - timedelta(days=89))
    kills, code = 0, KILLED
    async with working() as work:
        while code == KILLED:
            old = await recorded(store, recordings, created_at=NOW - timedelta(days=91))
            ordered = {"folder": str(tmp_path), "now": NOW.isoformat(), "ids": [old.id]}
            code = await work("purge", kills + 1, **ordered)
            kills += code == KILLED
            assert await work("purge", 0, **ordered) == 0
            async with store.read() as tx:
                assert (await tx.turns(old.id), await tx.report(old.id)) == ([], None)
            assert recordings.find(old.id) is None

    assert code == 0
    assert kills >= INSTANTS
    assert recordings.find(young.id) is not None
    async with store.read() as tx:
        assert await tx.report(young.id) is not None
        assert await tx.session(young.id) == young


async def test_a_legal_hold_stops_the_clock_and_a_request(store: Database, tmp_path: Path):
    """P3: held, nothing is erased by age or on request, and the receipt says so; released, what was asked for is done."""
    recordings = recordings_in(tmp_path / "r")
    old = await recorded(store, recordings, created_at=NOW - timedelta(days=91))
    await privacy.hold(store, old.id, "Case 7", NOW)
    assert await privacy.delete_old(store, retention=Retention(90, 90, 7), now=NOW) == 0

    receipt = await privacy.delete_session(store, old.user_id, old.id, NOW)
    await privacy.purge_session(store, recordings, old.id, NOW, receipt_id=receipt.id)
    assert {"words": "held", "recording": "held", "backups": "kept"} == await state(store, receipt.id)
    assert recordings.find(old.id) is not None

    assert await privacy.release(store, old.id, NOW)
    assert not await privacy.release(store, old.id, NOW)
    await privacy.purge_session(store, recordings, old.id, NOW, receipt_id=receipt.id)
    assert (await state(store, receipt.id))["words"] == "erased"
    assert recordings.find(old.id) is None


@pytest.mark.parametrize(("days", "gone"), [(29, False), (31, True)])
async def test_a_recording_has_a_clock_of_its_own(store: Database, tmp_path: Path, days: int, gone: bool):
    """R-114: recordings may go before transcripts; the interview and its report stay."""
    recordings = recordings_in(tmp_path / "r")
    session = await recorded(store, recordings)
    now = NOW + timedelta(days=days)

    await privacy.delete_old(store, retention=Retention(30, 90, 7), now=now)
    if gone:
        await privacy.erase_recording(store, recordings, session.id, now)

    assert (await store.jobs.status(privacy.ERASE_RECORDING_JOB, f"{session.id}:age") is not None) is gone
    assert (recordings.find(session.id) is None) is gone
    async with store.read() as tx:
        kept = await tx.session(session.id)
        assert await tx.report(session.id) is not None
    assert kept is not None
    assert replace(session, has_recording=not gone) == kept
