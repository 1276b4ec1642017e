"""The life of a call on a real database: tokens, admission, leaving, ending, recovering, sweeping. `now` is passed in; nothing waits."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved, Event, InterviewEnded, LegStarted
from bridge.domain.privacy import Retention
from bridge.domain.session import ENDED, LIVE, InterviewSession, ReportStatus, SessionStatus
from bridge.errors import BadTicket, NotFound, WrongState
from bridge.usecases import calling, privacy
from storage.database import Database
from storage.job_queue import JobStatus
from storage.migrate import migrate

from ...samples import QUESTIONS, SETUP, asked, said

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
UNKNOWN = "99999999-9999-4999-8999-999999999999"
S = SessionStatus


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("calling") / "prepkit.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database. No job engine runs, so jobs stay where they were put."""
    shutil.copy(migrated, tmp_path / "prepkit.db")
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}", clock=lambda: NOW)
    yield opened
    await opened.close()


async def add(store: Database, **changes: Any) -> InterviewSession:
    """A session with three questions, ready unless changed."""
    async with store.begin() as tx:
        made = InterviewSession(
            id=str(uuid4()), user_id=await tx.single_user(), setup=SETUP, questions=QUESTIONS, status=S.READY, created_at=NOW
        )
        made = replace(made, **changes)
        await tx.add_session(made)
        return made


async def read(store: Database, session_id: str) -> InterviewSession:
    """A session that is there."""
    async with store.read() as tx:
        found = await tx.session(session_id)
    assert found is not None
    return found


async def log(store: Database, session: InterviewSession, *events: Event) -> None:
    """Append to a session's log as a call does, its turns and segments beside it."""
    agenda = Agenda(session.setup, session.questions, events)
    async with store.begin() as tx:
        before = await tx.events(session.id)
        await tx.append_events(
            session.id,
            list(enumerate(events, len(before) + 1)),
            turns=list(agenda.transcript.turns.values()),
            segments=list(agenda.transcript.segments.values()),
        )


async def live(store: Database, *events: Event) -> InterviewSession:
    """A session whose candidate is connected."""
    session = await add(store)
    _, token = await calling.start(store, session.user_id, session.id, "local", NOW)
    admission = await calling.admit(store, session.id, token, NOW)
    if events:
        await log(store, admission.session, *events)
    return admission.session


async def report_jobs(store: Database) -> list[str]:
    """Ids of all report jobs there are."""
    async with store.engine.connect() as connection:
        found = await connection.execute(text("SELECT workflow_uuid FROM workflow_status ORDER BY 1"))
        return [row[0] for row in found if row[0].startswith(calling.REPORT_JOB)]


def answers(*texts: str | None, over: bool = False) -> list[Event]:
    """Question after question, each with its answer; None is silence. `over` moves the cursor past the last one."""
    events: list[Event] = []
    for n, words in enumerate(texts, 1):
        at_ms = n * 10_000
        before = QUESTIONS[n - 2].id if n > 1 else None
        events += [CursorMoved(at_ms=at_ms, from_id=before, to_id=f"q{n}", reason="answered"), asked(n, at_ms)]
        if words is not None:
            events.append(said(words, at_ms + 1_000, at_ms + 5_000, f"q{n}", turn_id=f"t{n}"))
    if over:
        last = QUESTIONS[len(texts) - 1].id
        events.append(CursorMoved(at_ms=len(texts) * 10_000 + 6_000, from_id=last, to_id=None, reason="answered"))
    return events


# Whose session ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("session_id", [UNKNOWN, "", "1", "../x", "\0", "\ud800"])
async def test_an_unknown_session_is_not_found(store: Database, session_id: str):
    """A1: what is no session is not found, whatever it looks like."""
    user = (await add(store)).user_id
    async with store.read() as tx:
        with pytest.raises(NotFound):
            await calling.owned(tx, user, session_id)


async def test_a_stranger_s_and_a_deleted_session_look_the_same(store: Database):
    """A1, R-096: both are refused with the words of an unknown one."""
    mine, gone = await add(store), await add(store, status=S.DELETED)
    said_of: set[str] = set()
    async with store.read() as tx:
        for user, session_id in [(str(uuid4()), mine.id), (gone.user_id, gone.id), (mine.user_id, UNKNOWN)]:
            with pytest.raises(NotFound) as refused:
                await calling.owned(tx, user, session_id)
            said_of.add(f"{refused.value.code}: {refused.value.message}")
        assert mine == await calling.owned(tx, mine.user_id, mine.id)

    assert said_of == {"not_found: There is no such interview."}


# Start and tokens ---------------------------------------------------------------------------------------------------
async def test_start_makes_it_joinable(store: Database):
    """R-092, R-018: initiated, with the engine and a call id; the token is not in the database."""
    session = await add(store)

    started, token = await calling.start(store, session.user_id, session.id, "local", NOW)

    assert started == await read(store, session.id)
    assert (started.status, started.engine) == (S.INITIATED, "local")
    assert (started.call_id or "").startswith("local-")
    assert len(token) >= 40
    async with store.engine.connect() as connection:
        stored = [row[0] for row in await connection.execute(text("SELECT token_hash FROM tickets"))]
    assert stored == [calling.hash_token(token)]


@pytest.mark.parametrize("status", sorted(ENDED - {S.DELETED}))
async def test_what_is_over_cannot_be_started(store: Database, status: SessionStatus):
    """R-092: WrongState; nothing changes and no token is made."""
    session = await add(store, status=status)

    with pytest.raises(WrongState):
        await calling.start(store, session.user_id, session.id, "local", NOW)

    assert session == await read(store, session.id)


@pytest.mark.parametrize("status", sorted(LIVE))
async def test_a_live_one_keeps_its_call(store: Database, status: SessionStatus):
    """R-052: starting a live interview again only gives a token; status and call stay."""
    session = await add(store, status=status, call_id="local-1", started_at=NOW)

    again, token = await calling.start(store, session.user_id, session.id, "local", NOW)

    assert session == again == await read(store, session.id)
    assert token


async def test_a_token_opens_once(store: Database):
    """Contract 5: the first use admits, the second is refused, and the interview goes on."""
    session = await add(store)
    _, token = await calling.start(store, session.user_id, session.id, "local", NOW)

    admission = await calling.admit(store, session.id, token, NOW)

    with pytest.raises(BadTicket):
        await calling.admit(store, session.id, token, NOW)
    assert (admission.purpose, admission.last_seq, admission.events) == ("start", 0, ())
    assert admission.session == await read(store, session.id)
    assert admission.session.status is S.IN_PROGRESS
    assert admission.session.started_at == NOW
    assert admission.session.has_recording


async def test_one_of_two_at_once_gets_in(store: Database):
    """Contract 5: a token used in two tabs at the same moment admits one of them."""
    session = await add(store)
    _, token = await calling.start(store, session.user_id, session.id, "local", NOW)

    both = await asyncio.gather(*(calling.admit(store, session.id, token, NOW) for _ in range(8)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in both) == ["Admission"] + ["BadTicket"] * 7


@pytest.mark.parametrize(
    ("purpose", "seconds"), [("start", calling.START_TOKEN_SECONDS), ("resume", calling.RESUME_TOKEN_SECONDS)]
)
async def test_a_token_expires(store: Database, purpose: str, seconds: int):
    """Contract 5: a start token is good for 30 s, a resume token for longer than the reclaim window, and not at its last instant."""
    session = await add(store, status=S.INTERRUPTED, interrupted_at=NOW)
    async with store.begin() as tx:
        early, late = [await calling.issue_token(tx, session.id, purpose, NOW) for _ in range(2)]

    with pytest.raises(BadTicket):
        await calling.admit(store, session.id, late, NOW + timedelta(seconds=seconds))
    admission = await calling.admit(store, session.id, early, NOW + timedelta(seconds=seconds, microseconds=-1))

    assert admission.purpose == purpose
    assert calling.START_TOKEN_SECONDS == 30
    assert calling.RESUME_TOKEN_SECONDS > calling.RECLAIM_SECONDS == 60


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800".encode("utf-8", "replace").decode(), "a" * 100_000])
async def test_a_wrong_token(store: Database, token: str):
    """Contract 6: any text that is no token of this session is refused, and changes nothing."""
    session = await add(store)
    started, _ = await calling.start(store, session.user_id, session.id, "local", NOW)

    for session_id in (session.id, UNKNOWN, "", "\0"):
        with pytest.raises(BadTicket):
            await calling.admit(store, session_id, token, NOW)

    assert started == await read(store, session.id)


async def test_a_token_of_another_session(store: Database):
    """Contract 5: a token opens its own session only, and is not used up by the attempt."""
    one, other = await add(store), await add(store)
    _, token = await calling.start(store, one.user_id, one.id, "local", NOW)
    await calling.start(store, other.user_id, other.id, "local", NOW)

    with pytest.raises(BadTicket):
        await calling.admit(store, other.id, token, NOW)

    assert (await calling.admit(store, one.id, token, NOW)).session.id == one.id


@pytest.mark.parametrize("status", sorted(set(S) - LIVE - {S.READY}))
async def test_only_a_live_session_admits(store: Database, status: SessionStatus):
    """R-051: ended, deleted or not started: a good token is refused and used up; nothing else changes."""
    session = await add(store, status=status)
    async with store.begin() as tx:
        token = await calling.issue_token(tx, session.id, "start", NOW)

    for _ in range(2):
        with pytest.raises(BadTicket):
            await calling.admit(store, session.id, token, NOW)

    assert session == await read(store, session.id)


async def test_a_token_is_checked_before_anything_is_touched(store: Database):
    """Contract 5: redeeming tells what the token is for and leaves the session, and whoever is in it, alone; entering opens the leg."""
    session = await live(store)
    async with store.begin() as tx:
        token = await calling.issue_token(tx, session.id, "resume", NOW)

    assert await calling.redeem(store, session.id, token, NOW) == "resume"
    assert session == await read(store, session.id)
    with pytest.raises(BadTicket):
        await calling.redeem(store, session.id, token, NOW)
    assert (await calling.enter(store, session.id, "resume", NOW)).purpose == "resume"


async def test_resuming_gives_the_whole_log(store: Database):
    """R-052, M1: who comes back gets every event so far, and the first start's time stays."""
    session = await live(store, *answers("A cache in front."))
    await calling.leave(store, session.id, elapsed_ms=15_000, now=NOW)
    token = await calling.renew_token(store, session.id, NOW)

    later = NOW + timedelta(seconds=40)
    admission = await calling.admit(store, session.id, token, later)

    assert list(admission.events) == answers("A cache in front.")
    assert (admission.last_seq, admission.purpose) == (3, "resume")
    assert (admission.session.started_at, admission.session.interrupted_at) == (NOW, None)
    assert admission.session.elapsed_ms == 15_000


# Leave --------------------------------------------------------------------------------------------------------------
async def test_leaving_starts_the_window(store: Database):
    """R-051: interrupted, since when, and how far the call clock had come."""
    session = await live(store)

    await calling.leave(store, session.id, elapsed_ms=4_200, now=NOW)

    assert await read(store, session.id) == replace(session, status=S.INTERRUPTED, interrupted_at=NOW, elapsed_ms=4_200)


@pytest.mark.parametrize("status", sorted(set(S) - {S.IN_PROGRESS}))
async def test_leaving_what_nobody_is_in_changes_nothing(store: Database, status: SessionStatus):
    """R-051: a late or repeated leave is no step back."""
    session = await add(store, status=status)

    await calling.leave(store, session.id, elapsed_ms=4_200, now=NOW)
    await calling.leave(store, UNKNOWN, elapsed_ms=1, now=NOW)

    assert session == await read(store, session.id)


# Finish -------------------------------------------------------------------------------------------------------------
TALK = "I would put a cache in front."
VERDICTS = {
    "all answered": (answers(TALK, TALK, TALK, over=True), "finished", S.COMPLETED),
    "all reached, one answered": (answers(None, TALK, None, over=True), "finished", S.COMPLETED),
    "the clock ran out early": (answers(TALK), "time", S.COMPLETED),
    "left after one": (answers(TALK), "ended_by_candidate", S.PARTIAL),
    "left at the last question": (answers(TALK, TALK, TALK), "ended_by_candidate", S.COMPLETED),
    "nobody came back": (answers(TALK, TALK), "abandoned", S.PARTIAL),
    "nothing said": (answers(None, None, None, over=True), "finished", S.FAILED),
    "nothing said in time": (answers(None), "time", S.FAILED),
    "two words": (answers("No idea."), "ended_by_candidate", S.FAILED),
    "nothing happened": ([], "ended_by_candidate", S.FAILED),
}


@pytest.mark.parametrize("case", list(VERDICTS))
async def test_verdict(store: Database, case: str):
    """C-30: completed by the last question or the clock, partial when left early, failed when nothing was answered."""
    events, reason, expected = VERDICTS[case]
    session = await live(store, *events)

    status = await calling.finish(store, session.id, reason, elapsed_ms=60_000, now=NOW)

    ended = await read(store, session.id)
    assert (status, ended.status) == (expected, expected)
    assert (ended.end_reason, ended.ended_at, ended.interrupted_at) == (reason, NOW, None)
    reported = expected is not S.FAILED
    assert ended.report_status is (ReportStatus.QUEUED if reported else ReportStatus.NONE)
    assert await report_jobs(store) == ([f"{calling.REPORT_JOB}:{session.id}"] if reported else [])


async def test_finishing_twice_changes_nothing(store: Database):
    """C-23, R-093: the second finish, of another reason and time, gives the first one's outcome; one end, one job."""
    session = await live(store, *answers(TALK, over=False))
    first = await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=60_000, now=NOW)
    ended = await read(store, session.id)

    again = await calling.finish(store, session.id, "time", elapsed_ms=99_000, now=NOW + timedelta(hours=1))

    assert (first, again) == (S.PARTIAL, S.PARTIAL)
    assert ended == await read(store, session.id)
    async with store.read() as tx:
        events = [stored.event for stored in await tx.events(session.id)]
    assert [event for event in events if isinstance(event, InterviewEnded)] == [
        InterviewEnded(at_ms=60_000, reason="ended_by_candidate")
    ]
    assert len(await report_jobs(store)) == 1


async def test_many_finish_at_once(store: Database):
    """C-23: socket, page and sweeper ending it together make one end and one job."""
    session = await live(store, *answers(TALK))

    reasons = ["finished", "ended_by_candidate", "abandoned", "time"] * 3
    outcomes = await asyncio.gather(*(calling.finish(store, session.id, r, elapsed_ms=None, now=NOW) for r in reasons))

    assert len(set(outcomes)) == 1
    async with store.read() as tx:
        ends = [stored.seq for stored in await tx.events(session.id) if isinstance(stored.event, InterviewEnded)]
    assert (len(ends), len(await report_jobs(store))) == (1, 1)


async def test_the_end_and_its_job_are_one_transaction(store: Database, monkeypatch: pytest.MonkeyPatch):
    """M1, C-23: when the job cannot be enqueued nothing has ended, and a later finish does both."""
    session = await live(store, *answers(TALK))
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE workflow_status RENAME TO gone"))
    with pytest.raises(Exception, match="workflow_status"):
        await calling.finish(store, session.id, "time", elapsed_ms=1, now=NOW)

    assert session == await read(store, session.id)
    async with store.read() as tx:
        assert not any(isinstance(stored.event, InterviewEnded) for stored in await tx.events(session.id))

    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE gone RENAME TO workflow_status"))
    assert await calling.finish(store, session.id, "time", elapsed_ms=1, now=NOW) is S.COMPLETED
    assert len(await report_jobs(store)) == 1


async def test_an_answer_cut_off_by_a_crash_is_closed(store: Database):
    """M1: a turn that was still growing when the process died is closed as it stands, its segment too, and counts."""
    growing = said("I would put a cache", 11_000, 14_000, "q1", final=False)
    session = await live(store, *answers(None), growing)

    status = await calling.finish(store, session.id, "abandoned", elapsed_ms=None, now=NOW)

    async with store.read() as tx:
        turns, segments = await tx.turns(session.id), await tx.segments(session.id)
        events = [stored.event for stored in await tx.events(session.id)]
    assert status is S.PARTIAL
    assert [(turn.text, turn.final) for turn in turns] == [("I would put a cache", True)]
    assert [(segment.answer, segment.closed) for segment in segments] == [("I would put a cache", True)]
    assert events[-2:] == [replace(growing, final=True), InterviewEnded(at_ms=14_000, reason="abandoned")]


@pytest.mark.parametrize(("elapsed_ms", "expected"), [(None, 15_000), (0, 15_000), (14_999, 15_000), (70_000, 70_000)])
async def test_the_clock_never_runs_back(store: Database, elapsed_ms: int | None, expected: int):
    """M5: the end is not before the last thing that happened, whatever the caller thinks."""
    session = await live(store, *answers(TALK))

    await calling.finish(store, session.id, "time", elapsed_ms=elapsed_ms, now=NOW)

    assert (await read(store, session.id)).elapsed_ms == expected


async def test_an_initiated_one_that_is_ended_has_failed(store: Database):
    """C-30: nobody ever connected, so there is nothing to report on."""
    session = await add(store, status=S.INITIATED)

    assert await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=None, now=NOW) is S.FAILED
    assert await report_jobs(store) == []


@pytest.mark.parametrize("status", [S.READY, S.AWAITING_PAYMENT])
async def test_what_has_not_begun_cannot_be_finished(store: Database, status: SessionStatus):
    """C-29: WrongState, and nothing is written; an unknown one is NotFound."""
    session = await add(store, status=status)

    with pytest.raises(WrongState):
        await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=None, now=NOW)
    with pytest.raises(NotFound):
        await calling.finish(store, UNKNOWN, "ended_by_candidate", elapsed_ms=None, now=NOW)

    assert session == await read(store, session.id)
    async with store.read() as tx:
        assert await tx.events(session.id) == []


# Recover and sweep --------------------------------------------------------------------------------------------------
async def test_recover_makes_orphans_resumable(store: Database):
    """R-051: after a start what was in progress is interrupted from now on; everything else is left alone."""
    running = [await live(store), await live(store, LegStarted(at_ms=0, leg=1, engine="local"))]
    others = [await add(store, status=status) for status in S if status is not S.IN_PROGRESS]
    later = NOW + timedelta(days=1)

    assert await calling.recover(store, later) == 0
    assert await calling.recover(store, later, starting=True) == 2

    for session in running:
        assert await read(store, session.id) == replace(session, status=S.INTERRUPTED, interrupted_at=later)
    for session in others:
        assert session == await read(store, session.id)
    assert await calling.recover(store, later) == 0


async def test_sweep_waits_for_a_whole_minute(store: Database):
    """R-051: at 60 s a candidate may still come back; after that the interview is ended and its report enqueued."""
    session = await live(store, *answers(TALK))
    await calling.leave(store, session.id, elapsed_ms=15_000, now=NOW)

    assert await calling.sweep(store, NOW + timedelta(seconds=60)) == []
    assert (await read(store, session.id)).status is S.INTERRUPTED
    assert await calling.sweep(store, NOW + timedelta(seconds=60, milliseconds=1)) == [session.id]

    ended = await read(store, session.id)
    assert (ended.status, ended.end_reason, ended.elapsed_ms) == (S.PARTIAL, "abandoned", 15_000)
    assert await report_jobs(store) == [f"{calling.REPORT_JOB}:{session.id}"]
    assert await calling.sweep(store, NOW + timedelta(hours=1)) == []


async def test_sweep_leaves_who_came_back(store: Database):
    """R-052: a connected candidate is never swept, however long the interview lasts."""
    session = await live(store)
    await calling.leave(store, session.id, elapsed_ms=1_000, now=NOW)
    token = await calling.renew_token(store, session.id, NOW)
    back = (await calling.admit(store, session.id, token, NOW + timedelta(seconds=59))).session

    assert await calling.sweep(store, NOW + timedelta(hours=1)) == []
    assert back == await read(store, session.id)


async def test_sweep_frees_what_nobody_joined(store: Database):
    """R-092: started five minutes ago and nobody connected: it may be started again; its old token is of no use."""
    session = await add(store)
    _, token = await calling.start(store, session.user_id, session.id, "local", NOW)
    limit = timedelta(seconds=calling.INITIATED_SECONDS)

    await calling.sweep(store, NOW + limit)
    assert (await read(store, session.id)).status is S.INITIATED
    assert await calling.sweep(store, NOW + limit + timedelta(milliseconds=1)) == []

    assert (await read(store, session.id)).status is S.READY
    with pytest.raises(BadTicket):
        await calling.admit(store, session.id, token, NOW + limit + timedelta(seconds=1))
    again, _ = await calling.start(store, session.user_id, session.id, "local", NOW + limit)
    assert again.status is S.INITIATED


async def test_sweep_does_not_free_what_was_only_just_started(store: Database):
    """R-092, contract 5: an interview set up an hour ago and started now can be joined for the 30 s its token is good for."""
    session = await add(store)
    later = NOW + timedelta(hours=1)
    _, token = await calling.start(store, session.user_id, session.id, "local", later)

    await calling.sweep(store, later + timedelta(seconds=1))

    assert (await calling.admit(store, session.id, token, later + timedelta(seconds=2))).session.status is S.IN_PROGRESS


async def test_sweep_enqueues_a_report_that_is_missing(store: Database):
    """C-23, the safety net: ended with answers and neither report nor failure: its job is enqueued, once however often it sweeps."""
    lost = await add(store, status=S.COMPLETED, report_status=ReportStatus.QUEUED, ended_at=NOW)
    for status, report_status in [
        (S.PARTIAL, ReportStatus.FAILED),
        (S.FAILED, ReportStatus.NONE),
        (S.CANCELLED, ReportStatus.NONE),
    ]:
        await add(store, status=status, report_status=report_status, ended_at=NOW)

    for _ in range(3):
        assert await calling.sweep(store, NOW) == []

    assert await report_jobs(store) == [f"{calling.REPORT_JOB}:{lost.id}"]
    assert await store.jobs.status(calling.REPORT_JOB, lost.id) is JobStatus.WAITING


async def test_sweep_of_nothing(store: Database):
    """R-051: an empty database is swept without a word."""
    assert await calling.sweep(store, NOW) == []


# Delete -------------------------------------------------------------------------------------------------------------
async def test_delete_hides_and_enqueues_in_one(store: Database):
    """R-096, C-34: hidden, with its purge waiting; a stranger's or a second delete is NotFound and changes nothing."""
    session = await live(store, *answers(TALK))
    with pytest.raises(NotFound):
        await privacy.delete_session(store, str(uuid4()), session.id, NOW)
    assert session == await read(store, session.id)

    await privacy.delete_session(store, session.user_id, session.id, NOW)

    assert (await read(store, session.id)).status is S.DELETED
    assert await store.jobs.status(privacy.PURGE_JOB, session.id) is JobStatus.WAITING
    with pytest.raises(NotFound):
        await privacy.delete_session(store, session.user_id, session.id, NOW)


async def test_a_deleted_interview_stays_deleted(store: Database):
    """C-34: its socket leaving, its call finishing, a start or the sweeper do not bring it back."""
    session = await live(store, *answers(TALK))
    await privacy.delete_session(store, session.user_id, session.id, NOW)
    deleted = await read(store, session.id)

    await calling.leave(store, session.id, elapsed_ms=1, now=NOW)
    assert await calling.finish(store, session.id, "finished", elapsed_ms=1, now=NOW) is S.DELETED
    assert await calling.recover(store, NOW) == 0
    assert await calling.sweep(store, NOW + timedelta(days=1)) == []
    with pytest.raises(NotFound):
        await calling.start(store, session.user_id, session.id, "local", NOW)

    assert deleted == await read(store, session.id)
    assert await report_jobs(store) == []


@pytest.mark.parametrize(("days", "kept"), [(89, True), (91, False)])
async def test_interviews_past_the_retention_clock_are_deleted(store: Database, days: int, kept: bool):
    """R-114, P3: 90 days, whatever became of the interview; a live one waits for its end; the second round finds nothing more."""
    states = sorted(set(S) - {S.DELETED})
    made = {status: await add(store, status=status) for status in states}
    first = await privacy.delete_old(store, retention=Retention(90, 90, 7), now=NOW + timedelta(days=days))
    again = await privacy.delete_old(store, retention=Retention(90, 90, 7), now=NOW + timedelta(days=days))
    left = {status for status, session in made.items() if (await read(store, session.id)).status is not S.DELETED}

    assert (first, again) == (0 if kept else len(states) - len(LIVE), 0)
    assert left == (set(states) if kept else set(LIVE))
    if not kept:
        assert await store.jobs.status(privacy.PURGE_JOB, made[S.COMPLETED].id) is JobStatus.WAITING
