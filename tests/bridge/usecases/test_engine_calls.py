"""A vendor's calls: opened, asked after when their account never came, given up, deleted, recorded (F14, C-21…C-23, C-34, R-061)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved, Event
from bridge.domain.segments import turn_of
from bridge.domain.session import InterviewSession, ReportStatus, SessionStatus
from bridge.domain.upstream import CostKind, EngineCall, RecordingState
from bridge.errors import UpstreamFailed
from bridge.ports import DeliveryState, StoredReport, VendorAccount
from bridge.usecases import calling, engine_calls, privacy
from bridge.wire import vapi_messages
from storage.database import Database
from storage.job_queue import JobStatus
from storage.migrate import migrate

from ...recordings import recordings_in
from ...samples import QUESTIONS, SETUP, asked, said
from .test_webhook_orders import parse

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
CALL = "7420f27a-30fd-4f49-a995-5549ae7cc00d"
FIRST = "A cache in front keeps the reads fast"
LOST = "I would shard by a hash of the key over many nodes"
FURTHER = "Replicas then take the reads of every single partition"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("engine-calls") / "prepkit.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database. No job engine runs, so jobs stay where they were put."""
    shutil.copy(migrated, tmp_path / "prepkit.db")
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}", clock=lambda: NOW)
    yield opened
    await opened.close()


async def call_of(store: Database, status: SessionStatus = SessionStatus.IN_PROGRESS, *, base_ms: int = 0) -> InterviewSession:
    """An interview with one answer, and its call at the vendor, made at NOW."""
    async with store.begin() as tx:
        session = InterviewSession(
            id=str(uuid4()),
            user_id=await tx.single_user(),
            setup=SETUP,
            questions=QUESTIONS,
            status=SessionStatus.IN_PROGRESS,
            created_at=NOW,
        )
        await tx.add_session(session)
        events: list[Event] = [
            CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"),
            asked(1, 1_000),
            said(FIRST, 2_000, 9_000),
            CursorMoved(at_ms=10_000, from_id="q1", to_id="q2", reason="answered"),
            asked(2, 11_000),
        ]
        agenda = Agenda(session.setup, session.questions, events)
        await tx.append_events(
            session.id,
            list(enumerate(events, 1)),
            turns=list(agenda.transcript.turns.values()),
            segments=list(agenda.transcript.segments.values()),
        )
    await engine_calls.opened(store, session, "vapi", CALL, base_ms=base_ms, now=NOW)
    if status is SessionStatus.PARTIAL:
        await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=200_000, now=NOW)
    return session


def at(seconds: float) -> datetime:
    """So long after NOW."""
    return NOW + timedelta(seconds=seconds)


def final(text: str, seconds: float) -> dict[str, Any]:
    """A final of the candidate, said until then."""
    stamp = int(at(seconds).timestamp() * 1000)
    message = {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": text, "timestamp": stamp}
    return {"message": {**message, "call": {"id": CALL}}}


def record(*texts: str, **fields: Any) -> dict[str, Any]:
    """What `GET /call/{id}` says of an ended call with these answers, one every 20 s."""
    turns = [{"role": "user", "message": text, "secondsFromStart": 20 * n} for n, text in enumerate(texts, 1)]
    return {
        "id": CALL,
        "status": "ended",
        "endedReason": "customer-ended-call",
        "endedAt": "2026-11-25T18:03:00Z",
        "cost": 0.3,
        "artifact": {"messages": turns},
        **fields,
    }


async def take(store: Database, body: dict[str, Any]) -> int:
    """Receive and apply one webhook."""
    row = await engine_calls.receive(store, "vapi", vapi_messages.parse_delivery(body), NOW)
    assert row is not None
    await engine_calls.apply(store, row, parse, NOW)
    return row


async def read(store: Database, session_id: str) -> tuple[InterviewSession, EngineCall, dict[str, str]]:
    """The session, its call, the answers by question."""
    async with store.read() as tx:
        session, call = await tx.session(session_id), await tx.engine_call("vapi", CALL)
        assert session is not None
        assert call is not None
        return session, call, {segment.question_id: segment.answer for segment in await tx.segments(session_id)}


class Vendor:
    """A vendor with one call; answers from `records` in turn, the last one for ever."""

    def __init__(self, *records: dict[str, Any] | UpstreamFailed, media: str | UpstreamFailed = "audio/mpeg") -> None:
        self.records = list(records)
        self.media = media
        self.asked: list[str] = []
        self.hung_up: list[str] = []

    async def account(self, call_id: str) -> VendorAccount:
        """As the real client reads it."""
        self.asked.append(call_id)
        found = self.records.pop(0) if len(self.records) > 1 else self.records[0]
        if isinstance(found, UpstreamFailed):
            raise found
        ended = found["status"] == "ended"
        body = {"message": {**found, "type": "end-of-call-report", "call": {"id": CALL}}}
        delivery = replace(vapi_messages.parse_delivery(body), type="get-call")
        return VendorAccount(live=not ended, complete=ended and "artifact" in found, delivery=delivery)

    async def hang_up(self, call_id: str) -> None:
        """Note it."""
        self.hung_up.append(call_id)

    async def erase(self, call_id: str) -> bool:
        """Nothing of it is left."""
        return True

    async def recording(self, call_id: str, to: Path) -> str:
        """A file of four bytes."""
        self.asked.append(call_id)
        if isinstance(self.media, UpstreamFailed):
            raise self.media
        to.write_bytes(b"mp3!")
        return self.media


def reconciler(store: Database, vendor: Vendor, *live: str) -> engine_calls.Reconciler:
    """One in whose process these sessions are live."""
    return engine_calls.Reconciler(store, "vapi", vendor, lambda session_id: session_id in live)


async def test_a_call_that_was_opened_is_known_and_estimated(store: Database):
    """R-061, R-103: row, session's call id and one estimate for the minutes that are left."""
    session = await call_of(store, base_ms=60_000)

    found, call, _ = await read(store, session.id)
    assert (found.engine, found.call_id) == ("vapi", CALL)
    assert (call.base_ms, call.started_at) == (60_000, NOW)
    async with store.read() as tx:
        (estimate,) = await tx.costs(session.id)
    assert (estimate.kind, estimate.quantity, estimate.amount_micros) == (CostKind.ESTIMATE, 14.0, 14 * 115_000)


async def test_a_live_session_waits_with_the_vendors_words(store: Database):
    """C-23: a live leg writes the log; the account is looked through once it is over."""
    session = await call_of(store)
    row = await take(store, {"message": {**record(FIRST, LOST), "type": "end-of-call-report", "call": {"id": CALL}}})
    await engine_calls.settle(store, "vapi", CALL, parse, NOW)

    _, call, answers = await read(store, session.id)
    assert call.settled_at is None
    assert answers["q2"] == ""
    assert await store.jobs.status(engine_calls.SETTLE_JOB, f"vapi:{CALL}:1") is JobStatus.WAITING

    await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=200_000, now=NOW)
    await engine_calls.settle(store, "vapi", CALL, parse, at(60), again=1)
    await engine_calls.apply(store, row, parse, at(61))

    _, call, answers = await read(store, session.id)
    assert call.settled_at == at(60)
    assert answers == {"q1": FIRST, "q2": LOST}


async def test_finals_stand_where_they_were_said(store: Database):
    """C-22: without an account the finals are placed by the call's clock and base, so that each is under its question."""
    session = await call_of(store)
    await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=200_000, now=NOW)
    await take(store, final(LOST, 25))
    await take(store, final(FURTHER, 10.9))
    await take(store, final(FIRST, 6))
    await engine_calls.settle(store, "vapi", CALL, parse, at(700))

    _, _, answers = await read(store, session.id)
    assert answers == {"q1": f"{FIRST} {FURTHER}", "q2": LOST}


async def test_words_outside_the_call_are_not_compared(store: Database):
    """C-23, M2: after a new call or another engine, what only they heard must not pass for what this call heard otherwise."""
    session = await call_of(store, base_ms=60_000)
    async with store.begin() as tx:
        after = said("Quite other words that were said to the engine after it", 190_000, 199_000, "q2", turn_id="t2")
        await tx.append_events(session.id, [(6, after)], turns=[turn_of(after)], segments=[])
    await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=200_000, now=NOW)
    await take(
        store, {"message": {**record(LOST, endedAt="2026-11-25T18:01:00Z"), "type": "end-of-call-report", "call": {"id": CALL}}}
    )
    await engine_calls.settle(store, "vapi", CALL, parse, at(100))

    assert (await read(store, session.id))[2]["q2"] == f"{LOST} {after.text}"


async def test_a_report_that_was_written_is_made_anew(store: Database):
    """C-23: lost words that come after the report make it stale, and one more job writes it."""
    session = await call_of(store, SessionStatus.PARTIAL)
    async with store.begin() as tx:
        await tx.add_report(StoredReport("rep-1", session.id, 1, NOW, 70, "0" * 64, {}))
    await take(store, {"message": {**record(FIRST, LOST), "type": "end-of-call-report", "call": {"id": CALL}}})
    await engine_calls.settle(store, "vapi", CALL, parse, NOW)

    found, _, _ = await read(store, session.id)
    assert found.report_status is ReportStatus.STALE
    assert await store.jobs.status(calling.REPORT_JOB, f"{session.id}:vapi-{CALL[:40]}-1") is not None


async def test_an_account_after_we_gave_up_still_counts(store: Database):
    """C-23: what was settled from single messages is looked through again, nothing stands twice."""
    session = await call_of(store, SessionStatus.PARTIAL)
    await take(store, final(LOST, 30))
    await take(store, final(FIRST, 8))
    await engine_calls.settle(store, "vapi", CALL, parse, at(700))
    _, call, answers = await read(store, session.id)
    assert call.settled_at == at(700)
    assert answers["q2"] == LOST

    late = record(FIRST, LOST, FURTHER)
    await take(store, {"message": {**late, "type": "end-of-call-report", "call": {"id": CALL}}})
    await engine_calls.settle(store, "vapi", CALL, parse, at(900))

    _, call, answers = await read(store, session.id)
    assert call.settled_at == at(900)
    assert answers == {"q1": FIRST, "q2": f"{LOST} {FURTHER}"}
    async with store.read() as tx:
        assert len({turn.id for turn in await tx.turns(session.id)}) == 3


async def test_words_after_the_deletion_are_not_kept(store: Database, tmp_path: Path):
    """C-34, R-115: a webhook that comes after the purge loses its body, and nothing else changes."""
    session = await call_of(store, SessionStatus.PARTIAL)
    await privacy.delete_session(store, session.user_id, session.id, NOW)
    await privacy.purge_session(store, recordings_in(tmp_path), session.id, NOW)

    row = await take(store, {"message": {**record(LOST), "type": "end-of-call-report", "call": {"id": CALL}}})
    await engine_calls.settle(store, "vapi", CALL, parse, NOW)

    async with store.read() as tx:
        kept = await tx.delivery(row)
        assert kept is not None
        assert kept.state is DeliveryState.IGNORED
        assert "shard" not in str(kept.body)
        assert await tx.turns(session.id) == []


async def test_an_account_that_never_came_is_fetched(store: Database):
    """F14: asked after once it is due, taken in like its webhook, not asked again after it is settled."""
    session = await call_of(store, SessionStatus.PARTIAL)
    vendor = Vendor(record(FIRST, LOST))
    asking = reconciler(store, vendor)

    assert await asking.round(at(5)) == 0
    assert await asking.round(at(30)) == 1
    async with store.read() as tx:
        (stored,) = await tx.deliveries("vapi", call_id=CALL)
    assert stored.key == "report"
    await engine_calls.apply(store, stored.id, parse, at(31))
    await engine_calls.settle(store, "vapi", CALL, parse, at(32))
    _, call, answers = await read(store, session.id)
    assert (call.end_reason, answers["q2"]) == ("customer-ended-call", LOST)
    assert await asking.round(at(1000)) == 0
    # The webhook itself, later still, is a repeat.
    body = {"message": {**record(FIRST, LOST), "type": "end-of-call-report", "call": {"id": CALL}}}
    assert await engine_calls.receive(store, "vapi", vapi_messages.parse_delivery(body), at(40)) is None


async def test_it_asks_ever_more_seldom_and_never_a_live_session(store: Database):
    """§1.4: 5, 10, 20 … 120 s between two looks, and a session somebody is in is left alone."""
    session = await call_of(store)
    vendor = Vendor(record(status="ended", artifact={}) | {"artifact": {}})
    vendor.records = [UpstreamFailed("Not now.", reason="vapi_timeout")]
    assert await reconciler(store, vendor, session.id).round(at(100)) == 0

    asking = reconciler(store, vendor)
    times = [second for second in range(30, 600) if await asking.round(at(second))]

    assert times[:5] == [30, 35, 45, 65, 105]
    assert [b - a for a, b in pairwise(times[6:])] == [120] * (len(times) - 7)


async def test_a_call_nobody_is_in_is_hung_up(store: Database):
    """F14: still live at the vendor a minute after it was made, and in no process of ours."""
    await call_of(store, SessionStatus.PARTIAL)
    vendor = Vendor({"id": CALL, "status": "in-progress"}, record(FIRST))
    asking = reconciler(store, vendor)

    await asking.round(at(30))
    assert vendor.hung_up == []
    vendor.records.insert(0, {"id": CALL, "status": "in-progress"})
    await asking.round(at(70))
    assert vendor.hung_up == [CALL]


@pytest.mark.parametrize("answer", [UpstreamFailed("Unknown.", reason="vapi_unknown_call"), {"id": CALL, "status": "ended"}])
async def test_an_account_that_does_not_come_is_given_up(store: Database, answer: dict[str, Any] | UpstreamFailed):
    """F14: after ten minutes the call is settled from what we have; nothing stays open for ever."""
    session = await call_of(store, SessionStatus.PARTIAL)
    asking = reconciler(store, Vendor(answer))
    key = f"vapi:{CALL}:given-up"

    await asking.round(at(500))
    assert await store.jobs.status(engine_calls.SETTLE_JOB, key) is None
    await asking.round(at(700))
    assert await store.jobs.status(engine_calls.SETTLE_JOB, key) is not None
    await engine_calls.settle(store, "vapi", CALL, parse, at(701))

    _, call, answers = await read(store, session.id)
    assert call.settled_at == at(701)
    assert answers["q1"] == FIRST
    assert await asking.round(at(2000)) == 0


# Recordings ---------------------------------------------------------------------------------------------------------
async def due(store: Database) -> InterviewSession:
    """A call whose recording is to be fetched."""
    session = await call_of(store, SessionStatus.PARTIAL)
    artifact = {"recording": {"stereoUrl": "https://storage.example/s.mp3"}}
    await take(store, {"message": {**record(artifact=artifact), "type": "end-of-call-report", "call": {"id": CALL}}})
    assert await store.jobs.status(engine_calls.RECORDING_JOB, f"vapi:{CALL}") is not None
    return session


async def test_a_recording_is_fetched_once(store: Database, tmp_path: Path):
    """C-21: stored as ours, deleted with ours."""
    session = await due(store)
    recordings, vendor = recordings_in(tmp_path / "recordings"), Vendor(record())

    for _ in range(2):
        await engine_calls.fetch_recording(store, recordings, vendor, "vapi", CALL)

    _, call, _ = await read(store, session.id)
    assert call.recording is RecordingState.STORED
    assert vendor.asked == [CALL]
    (copy,) = recordings.vendor_copies(session.id)
    with closing(copy):
        assert (copy.read(0, 99), copy.media_type) == (b"mp3!", "audio/mpeg")
    assert recordings.delete(session.id)
    assert list((tmp_path / "recordings").iterdir()) == []


async def test_one_that_cannot_be_had_is_given_up(store: Database, tmp_path: Path):
    """A11: a foreign host or a file too large are final; an outage, or one that is late, is tried again by a later job."""
    session = await due(store)
    recordings = recordings_in(tmp_path / "recordings")
    outage = Vendor(record(), media=UpstreamFailed("Later.", reason="vapi_timeout"))
    await engine_calls.fetch_recording(store, recordings, outage, "vapi", CALL)
    assert (await read(store, session.id))[1].recording is RecordingState.DUE
    assert await store.jobs.status(engine_calls.RECORDING_JOB, f"vapi:{CALL}:1") is not None

    gone = Vendor(record(), media=UpstreamFailed("No.", reason="vapi_recording_foreign"))
    await engine_calls.fetch_recording(store, recordings, gone, "vapi", CALL)
    assert (await read(store, session.id))[1].recording is RecordingState.FAILED
    assert recordings.find(session.id) is None


async def test_one_that_is_out_of_reach_for_long_is_given_up(store: Database, tmp_path: Path):
    """C-21: each attempt is a job of its own, so that none holds a place while it waits; after the last the call is done with."""
    session = await due(store)
    recordings = recordings_in(tmp_path / "recordings")
    late = Vendor(record(), media=UpstreamFailed("Not yet.", reason="vapi_recording_404"))
    waits = len(engine_calls.RECORDING_WAITS)

    for again in range(waits + 1):
        assert (await read(store, session.id))[1].recording is RecordingState.DUE
        await engine_calls.fetch_recording(store, recordings, late, "vapi", CALL, again=again)

    assert (await read(store, session.id))[1].recording is RecordingState.FAILED
    assert await store.jobs.status(engine_calls.RECORDING_JOB, f"vapi:{CALL}:{waits}") is not None
    assert await store.jobs.status(engine_calls.RECORDING_JOB, f"vapi:{CALL}:{waits + 1}") is None


async def test_nothing_of_a_deleted_interview_is_fetched_or_stays(store: Database, tmp_path: Path):
    """C-34, R-115: deleted before the fetch, nothing is asked for; deleted during it, what was fetched goes as well."""
    session = await due(store)
    folder = tmp_path / "recordings"
    recordings = recordings_in(folder)

    class DeletedMeanwhile(Vendor):
        """Its candidate deletes the interview while the file comes in, and the purge is faster."""

        async def recording(self, call_id: str, to: Path) -> str:
            """As ever, with the deletion in between."""
            await privacy.delete_session(store, session.user_id, session.id, NOW)
            await privacy.purge_session(store, recordings, session.id, NOW)
            return await super().recording(call_id, to)

    await engine_calls.fetch_recording(store, recordings, DeletedMeanwhile(record()), "vapi", CALL)
    assert list(folder.iterdir()) == []

    vendor = Vendor(record())
    async with store.begin() as tx:
        call = await tx.engine_call("vapi", CALL)
        assert call is not None
        await tx.save_engine_call(replace(call, recording=RecordingState.DUE))
    await engine_calls.fetch_recording(store, recordings, vendor, "vapi", CALL)
    assert vendor.asked == []


# Races --------------------------------------------------------------------------------------------------------------
async def test_a_webhook_that_is_faster_than_its_calls_row_is_taken_in(store: Database):
    """C-25: the vendor may tell of a call before its answer to our create has told us its id."""
    body = {"message": {"type": "status-update", "status": "ended", "endedReason": "pipeline-error", "call": {"id": CALL}}}
    row = await take(store, body)
    async with store.read() as tx:
        early = await tx.delivery(row)
    assert early is not None
    assert early.state is DeliveryState.IGNORED

    session = await call_of(store)
    assert await store.jobs.status(engine_calls.APPLY_JOB, f"{row}:again") is JobStatus.WAITING
    await engine_calls.apply(store, row, parse, NOW)

    assert (await read(store, session.id))[1].end_reason == "pipeline-error"


async def test_a_call_that_waits_for_its_candidate_is_not_hung_up(store: Database):
    """M1, F2: for the reclaim window the call stays up on silence; only when nobody came back is it an orphan."""
    session = await call_of(store)
    vendor = Vendor({"id": CALL, "status": "in-progress"})
    await reconciler(store, vendor).round(at(590))
    assert vendor.hung_up == [], "somebody is being let in at this moment"

    await calling.leave(store, session.id, elapsed_ms=90_000, now=at(600))
    for seconds in (605, 620, 659):
        await reconciler(store, vendor).round(at(seconds))
    assert vendor.hung_up == []

    await reconciler(store, vendor).round(at(661))
    assert vendor.hung_up == [CALL]


async def test_a_long_interview_is_not_given_up_with_its_first_failed_question(store: Database):
    """F14: ten minutes count from the end of the call, as far as we know it, not from its beginning."""
    session = await call_of(store)
    await calling.finish(store, session.id, "finished", elapsed_ms=900_000, now=at(1_000))
    vendor = Vendor(UpstreamFailed("Not now.", reason="vapi_timeout"))
    key = f"vapi:{CALL}:given-up"

    await reconciler(store, vendor).round(at(1_010))
    assert await store.jobs.status(engine_calls.SETTLE_JOB, key) is None
    await reconciler(store, vendor).round(at(1_601))
    assert await store.jobs.status(engine_calls.SETTLE_JOB, key) is not None


async def test_a_log_that_grows_meanwhile_is_looked_through_again(store: Database):
    """M1: two merges at once are one: the second finds the first's words in the log and is done with."""
    session = await call_of(store, SessionStatus.PARTIAL)
    await take(store, {"message": {**record(FIRST, LOST), "type": "end-of-call-report", "call": {"id": CALL}}})

    done = await asyncio.gather(
        *(engine_calls.settle(store, "vapi", CALL, parse, at(30)) for _ in range(4)), return_exceptions=True
    )

    assert [error for error in done if error is not None] == []
    _, call, answers = await read(store, session.id)
    assert call.settled_at == at(30)
    assert answers["q2"] == LOST
