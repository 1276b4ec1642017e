"""Admit, begin, leave, resume and end a call: every status change of a live session, one transaction each (R-018, R-051, R-052, M1).

The socket token is kept only as a hash, used once. A candidate who is gone may come back within the reclaim window; `sweep` ends what nobody came back
to. Ending and enqueueing the report job are one transaction. Read next: `bridge.domain.session` (the table), `pipeline.call`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..domain.agenda import Agenda
from ..domain.events import Event, InterviewEnded, TurnRecorded
from ..domain.pricing import Tariff
from ..domain.segments import turn_of
from ..domain.session import ENDED, LIVE, InterviewSession, ReportStatus, SessionStatus, move
from ..errors import BadTicket, NotFound, PaymentRequired, WrongState
from ..ports import Store, Tx
from . import holds

START_TOKEN_SECONDS = 30
RECLAIM_SECONDS = 60
RESUME_TOKEN_SECONDS = 90
"""A resume token is renewed every 30 s, so the newest always outlives the reclaim window."""
INITIATED_SECONDS = 300
"""A started interview to which nobody connected becomes startable again after this."""
REPORT_JOB = "write-report"
MIN_ANSWER_WORDS = 3
NOT_VALID = "This link to the interview is not valid any more. Reload the page to go on."


@dataclass(frozen=True)
class Admission:
    """A session with its log, for one connection of the candidate."""

    session: InterviewSession
    events: tuple[Event, ...]
    last_seq: int
    purpose: str


def hash_token(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def owned(tx: Tx, user_id: str, session_id: str, *, for_update: bool = False) -> InterviewSession:
    """The user's own session: the only way a request reaches one. Raises NotFound for a stranger's and a deleted one alike."""
    session = await tx.session(session_id, for_update=for_update)
    if session is None or session.user_id != user_id or session.status is SessionStatus.DELETED:
        raise NotFound("There is no such interview.")
    return session


async def issue_token(tx: Tx, session_id: str, purpose: str, now: datetime) -> str:
    """A fresh single-use token for the socket; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    seconds = START_TOKEN_SECONDS if purpose == "start" else RESUME_TOKEN_SECONDS
    await tx.add_ticket(hash_token(token), session_id, purpose=purpose, expires_at=now + timedelta(seconds=seconds))
    return token


async def renew_token(store: Store, session_id: str, now: datetime) -> str:
    """A resume token for a live call."""
    async with store.begin() as tx:
        return await issue_token(tx, session_id, "resume", now)


async def start(
    store: Store, user_id: str, session_id: str, engine: str, now: datetime, *, tariff: Tariff | None = None
) -> tuple[InterviewSession, str]:
    """Make the session startable (or a live one resumable) and hand out a socket token; with a tariff what pays for it is held.

    Raises WrongState once it is over, PaymentRequired where it has to be paid first.
    """
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.status in ENDED:
            raise WrongState("This interview is over. Start a new one from the set-up page.")
        if session.status not in LIVE:
            if tariff is not None:
                await holds.hold(tx, session, tariff, now)
            if session.status is SessionStatus.AWAITING_PAYMENT:
                session = move(session, SessionStatus.READY)
            call_id = f"{engine}-{secrets.token_hex(8)}"
            session = replace(move(session, SessionStatus.INITIATED), engine=engine, call_id=call_id)
            await tx.save_session(session)
        return session, await issue_token(tx, session_id, "start", now)


async def redeem(store: Store, session_id: str, token: str, now: datetime) -> str:
    """Use a socket token once, before anything else is touched; returns its purpose. Raises BadTicket."""
    async with store.begin() as tx:
        session = await tx.session(session_id)
        purpose = await tx.take_ticket(hash_token(token), session_id, now=now) if session else None
    if purpose is None:
        raise BadTicket(NOT_VALID)
    return purpose


async def enter(store: Store, session_id: str, purpose: str, now: datetime) -> Admission:
    """Open a leg for whoever used a token: the session is in progress when this returns. Raises BadTicket once it is over."""
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        # Ready: the sweeper freed it between its start and this connection; the token was good all the same.
        if session is not None and session.status is SessionStatus.READY:
            await _held_again(tx, session, now)
            session = move(session, SessionStatus.INITIATED)
        if session is None or session.status not in LIVE:
            raise BadTicket(NOT_VALID)
        session = replace(
            move(session, SessionStatus.IN_PROGRESS),
            started_at=session.started_at or now,
            interrupted_at=None,
            has_recording=True,
        )
        await tx.hold_call(session_id)
        await tx.save_session(session)
        await tx.mark_faults([session_id], fault=False)
        stored = await tx.events(session_id)
        return Admission(session, tuple(s.event for s in stored), stored[-1].seq if stored else 0, purpose)


async def _held_again(tx: Tx, session: InterviewSession, now: datetime) -> None:
    try:
        await holds.hold_again(tx, session, now)
    except PaymentRequired as error:
        raise BadTicket(error.message) from error


async def admit(store: Store, session_id: str, token: str, now: datetime) -> Admission:
    """Use a token and open its leg, where no older leg can be in the way. Raises BadTicket."""
    return await enter(store, session_id, await redeem(store, session_id, token, now), now)


async def leave(store: Store, session_id: str, *, elapsed_ms: int, now: datetime, fault: bool = False) -> None:
    """The candidate's connection is gone: start the reclaim window, unless another process has the call by now. `fault`: by ours, so that nobody pays who cannot come back."""
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        if session is None or not await tx.release_call(session_id):
            return
        if session.status is SessionStatus.IN_PROGRESS:
            session = replace(move(session, SessionStatus.INTERRUPTED), interrupted_at=now, elapsed_ms=elapsed_ms)
            await tx.save_session(session)
            if fault:
                await tx.mark_faults([session_id], fault=True)


def verdict(agenda: Agenda, reason: str) -> SessionStatus:
    """Completed by the last question or the clock; partial when left early; failed when nothing was answered."""
    if agenda.answered() == 0:
        return SessionStatus.FAILED
    reached_all = agenda.position >= len(agenda.questions)
    return SessionStatus.COMPLETED if reason == "time" or (agenda.over and reached_all) else SessionStatus.PARTIAL


async def finish(
    store: Store, session_id: str, reason: str, *, elapsed_ms: int | None, now: datetime, take_over: bool = False
) -> SessionStatus:
    """End a live session and enqueue its report in the same transaction; a repeat changes nothing.

    A call that another process holds is left alone, unless `take_over` says that its owner wants it ended whoever holds it.
    """
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        if session is None:
            raise NotFound("There is no such interview.")
        if session.status in ENDED:
            return session.status
        if take_over:
            await tx.hold_call(session_id)
        elif not await tx.release_call(session_id):
            return session.status
        return await finish_within(tx, session, reason, elapsed_ms, now)


async def finish_within(tx: Tx, session: InterviewSession, reason: str, elapsed_ms: int | None, now: datetime) -> SessionStatus:
    """`finish` inside a transaction that has the session for update."""
    stored = await tx.events(session.id)
    events = [s.event for s in stored]
    agenda = Agenda(session.setup, session.questions, events)
    at_ms = max([session.elapsed_ms, elapsed_ms or 0, *(event.at_ms for event in events)])
    closing: list[Event] = [*_open_turns(events), InterviewEnded(at_ms=at_ms, reason=reason)]
    for event in closing:
        agenda.apply(event)
    status = SessionStatus.FAILED if session.status is SessionStatus.INITIATED else verdict(agenda, reason)
    seq = stored[-1].seq if stored else 0
    await tx.append_events(
        session.id,
        [(seq + n, event) for n, event in enumerate(closing, 1)],
        turns=[turn_of(event) for event in closing if isinstance(event, TurnRecorded)],
        segments=list(agenda.transcript.segments.values()),
    )
    reported = status in (SessionStatus.COMPLETED, SessionStatus.PARTIAL)
    ended = replace(
        move(session, status),
        ended_at=now,
        end_reason=reason,
        elapsed_ms=at_ms,
        interrupted_at=None,
        report_status=ReportStatus.QUEUED if reported else ReportStatus.NONE,
    )
    await tx.save_session(ended)
    await holds.settle_hold(tx, ended, now)
    await tx.release_call(session.id)
    if reported:
        await tx.enqueue(REPORT_JOB, session.id, {"sessionId": session.id})
    return status


def _open_turns(events: Sequence[Event]) -> list[TurnRecorded]:
    """Turns whose last word on record is not final, closed as they stand (a crash in mid-answer)."""
    latest: dict[str, TurnRecorded] = {}
    for event in events:
        if isinstance(event, TurnRecorded):
            latest[event.turn_id] = event
    return [replace(turn, final=True) for turn in latest.values() if not turn.final]


async def recover(store: Store, now: datetime, *, starting: bool = False) -> int:
    """Sessions a dead process left in progress become interrupted, so that their candidates can resume; at the start and again and again.

    `starting`: this process holds no call yet, so what stands under its name was an earlier one's.
    """
    async with store.read() as tx:
        if not starting and not await tx.sessions_with([SessionStatus.IN_PROGRESS]):
            return 0
    async with store.begin() as tx:
        if starting:
            await tx.forget_own_calls()
        held = await tx.calls_held()
        orphans = [session.id for session in await tx.sessions_with([SessionStatus.IN_PROGRESS]) if session.id not in held]
    return sum([await _orphaned(store, session_id, now) for session_id in orphans])


async def _orphaned(store: Store, session_id: str, now: datetime) -> bool:
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        # Somebody may have taken it over meanwhile; whoever does has the row's lock first.
        if session is None or session.status is not SessionStatus.IN_PROGRESS or session_id in await tx.calls_held():
            return False
        await tx.hold_call(session_id)
        await tx.release_call(session_id)
        await tx.save_session(replace(move(session, SessionStatus.INTERRUPTED), interrupted_at=now))
        await tx.mark_faults([session_id], fault=True)
        return True


async def sweep(store: Store, now: datetime) -> list[str]:
    """End sessions nobody came back to, free started ones nobody joined, and enqueue reports that are missing. Returns ids ended."""
    async with store.read() as tx:
        live = await tx.sessions_with([SessionStatus.INTERRUPTED, SessionStatus.INITIATED])
        missing = await tx.ended_without_report()
    gone = [s for s in live if s.interrupted_at and now - s.interrupted_at > timedelta(seconds=RECLAIM_SECONDS)]
    ended = []
    for session in gone:
        async with store.begin() as tx:
            current = await tx.session(session.id, for_update=True)
            if current and current.interrupted_at == session.interrupted_at:
                await finish_within(tx, current, "abandoned", None, now)
                ended.append(session.id)
    for session in live:
        if session.status is SessionStatus.INITIATED:
            await _free(store, session.id, now)
    for session_id in missing:
        async with store.begin() as tx:
            await tx.enqueue(REPORT_JOB, session_id, {"sessionId": session_id})
    return ended


async def _free(store: Store, session_id: str, now: datetime) -> None:
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        stale = session and now - session.created_at > timedelta(seconds=INITIATED_SECONDS)
        if session and stale and session.status is SessionStatus.INITIATED:
            await tx.save_session(move(session, SessionStatus.READY))
            await holds.settle_hold(tx, session, now)
