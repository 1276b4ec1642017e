"""A vendor's calls of our sessions: their rows, their webhooks, their accounts, their recordings (R-051…R-057, C-21…C-26).

A webhook is one unique row and one job in the transaction before its 200; the job applies it. Whatever the order, the repeats and the delays, the same facts end in the
same rows: started is the earliest, an account beats a status. Live calls are ended by their leg; here only what nobody is there for any more. Read next: `tool_calls`.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from loguru import logger

from ..domain.agenda import Agenda
from ..domain.events import Speaker, TurnRecorded, TurnSource
from ..domain.merging import missing
from ..domain.segments import Transcript, Turn, turn_of
from ..domain.session import ENDED, LIVE, InterviewSession, ReportStatus, SessionStatus
from ..domain.unit_costs import voice_cost
from ..domain.upstream import (
    CallBegan,
    CallEnded,
    CallReport,
    CostEntry,
    CostKind,
    Delivery,
    EngineCall,
    HeardTurn,
    Message,
    Recorded,
    RecordingState,
    Said,
    Transcribed,
)
from ..errors import UpstreamFailed
from ..ports import DeliveryState, RecordingStore, Store, StoredDelivery, Tx, VoiceVendor
from .calling import RECLAIM_SECONDS, REPORT_JOB, finish_within

APPLY_JOB = "apply-delivery"
SETTLE_JOB = "settle-call"
RECORDING_JOB = "fetch-recording"
ACCOUNT_SECONDS = 60
"""So long after a call was made nobody asks the vendor about it; and so long after its end its account may take."""
GIVE_UP_SECONDS = 600
"""A call whose account has not come by then is settled from our own segments."""
SETTLE_AGAIN_SECONDS = 60
AT_ONCE = 16
"""Calls asked after in one round."""
RECORDING_WAITS = (5, 15, 60, 240, 900)
"""Seconds between two attempts to fetch a recording."""
CLOCKS_DIFFER_SECONDS = 5
WORD_MS = 400
"""So long a spoken word takes, where nothing better is known."""

Parse = Callable[[StoredDelivery], tuple[Message, ...]]
"""A stored webhook's messages."""


# The bridge's own side ----------------------------------------------------------------------------------------------
async def opened(store: Store, session: InterviewSession, engine: str, call_id: str, *, base_ms: int, now: datetime) -> None:
    """A call was made for the session: its row and its estimate, before anybody can ask for it (R-061)."""
    minutes = max(0.0, session.setup.duration_minutes - base_ms / 60_000)
    async with store.begin() as tx:
        current = await tx.session(session.id, for_update=True)
        if current is not None:
            await tx.save_session(replace(current, engine=engine, call_id=call_id))
        await tx.add_engine_call(EngineCall(call_id, engine, session.id, now, base_ms=base_ms, started_at=now))
        # A webhook may be faster than the answer that names its call: what came before this row is taken in now.
        for early in await tx.deliveries(engine, call_id=call_id):
            await tx.mark_delivery(early.id, DeliveryState.STORED)
            await tx.enqueue(APPLY_JOB, f"{early.id}:again", {"deliveryId": early.id})
        await tx.add_cost(
            CostEntry(
                session.id, f"{engine}:{call_id}:estimate", CostKind.ESTIMATE, engine, "call", minutes, "minutes",
                voice_cost(engine, minutes, now.date()), "USD", now,
            )
        )  # fmt: skip


# Webhooks -----------------------------------------------------------------------------------------------------------
async def receive(store: Store, provider: str, delivery: Delivery, now: datetime) -> int | None:
    """Keep a webhook and enqueue its work, in one transaction; None for a repeat."""
    async with store.begin() as tx:
        row = await tx.add_delivery(provider, delivery, now)
        if row is not None:
            await tx.enqueue(APPLY_JOB, str(row), {"deliveryId": row})
        return row


async def apply(store: Store, delivery_id: int, parse: Parse, now: datetime) -> None:
    """Take one stored webhook in; a repeat changes nothing."""
    async with store.begin() as tx:
        stored = await tx.delivery(delivery_id)
        if stored is None or stored.state is not DeliveryState.STORED:
            return
        call = await tx.engine_call(stored.provider, stored.call_id, for_update=True) if stored.call_id else None
        session = await tx.session(call.session_id, for_update=True) if call else None
        if call is None or session is None or session.status is SessionStatus.DELETED:
            await tx.mark_delivery(delivery_id, DeliveryState.IGNORED)
            if session is not None:
                # What came after the deletion holds the candidate's words as well (C-34).
                await tx.purge_session(session.id)
            return
        acted = [await _take(tx, call.id, session, message, stored, now) for message in parse(stored)]
        await tx.mark_delivery(delivery_id, DeliveryState.APPLIED if any(acted) else DeliveryState.IGNORED)


async def _take(tx: Tx, call_id: str, session: InterviewSession, message: Message, stored: StoredDelivery, now: datetime) -> bool:
    call = await tx.engine_call(stored.provider, call_id, for_update=True)
    if call is None:
        return False
    match message:
        case CallBegan(at):
            call = replace(call, started_at=min(x for x in (call.started_at, at or call.started_at, call.created_at) if x))
        case CallEnded(reason, at):
            if call.report_at is None:
                call = replace(call, ended_at=at or call.ended_at or stored.sent_at or stored.received_at, end_reason=reason)
        case CallReport():
            call = _accounted(call, message, stored)
            await _book(tx, call, message)
            await tx.enqueue(SETTLE_JOB, f"{call.engine}:{call.id}", {"engine": call.engine, "callId": call.id, "round": 0})
        case Recorded():
            if call.recording is RecordingState.NONE:
                call = replace(call, recording=RecordingState.DUE)
        case Transcribed() | Said(final=True):
            return True
        case _:
            return False
    await tx.save_engine_call(call)
    if call.recording is RecordingState.DUE:
        await tx.enqueue(RECORDING_JOB, f"{call.engine}:{call.id}", {"engine": call.engine, "callId": call.id})
    if isinstance(message, (CallEnded, CallReport)):
        await _end_where_nobody_is(tx, session, call, now)
    return True


def _accounted(call: EngineCall, report: CallReport, stored: StoredDelivery) -> EngineCall:
    """The vendor's account stands above what single messages said, and has the transcript looked through once more when it was given up."""
    return replace(
        call,
        settled_at=None,
        started_at=min(x for x in (call.started_at, report.started_at, call.created_at) if x),
        ended_at=report.ended_at or call.ended_at or stored.sent_at or stored.received_at,
        end_reason=report.reason,
        duration_seconds=report.duration_seconds,
        report_at=report.ended_at or stored.sent_at or stored.received_at,
        recording=RecordingState.DUE if report.has_recording and call.recording is RecordingState.NONE else call.recording,
    )


async def _book(tx: Tx, call: EngineCall, report: CallReport) -> None:
    """Its cost and its parts, as the vendor states them (R-103)."""
    at, minutes = call.ended_at or call.created_at, (report.duration_seconds or 0.0) / 60
    lines = {"call": report.cost_micros, **report.cost_parts} if report.cost_micros is not None else report.cost_parts
    for item, micros in lines.items():
        if micros is not None:
            ref = f"{call.engine}:{call.id}:{item}"
            await tx.add_cost(
                CostEntry(
                    call.session_id, ref, CostKind.ACTUAL, call.engine, item[:40], minutes, "minutes", micros, report.currency, at
                )
            )


async def _end_where_nobody_is(tx: Tx, session: InterviewSession, call: EngineCall, now: datetime) -> None:
    """A session whose candidate is gone and whose questions are over has nothing left to wait for (R-052)."""
    if session.status is not SessionStatus.INTERRUPTED or session.call_id != call.id:
        return
    events = [stored.event for stored in await tx.events(session.id)]
    if Agenda(session.setup, session.questions, events).over:
        await finish_within(tx, session, "finished", None, now)


# The vendor's transcript --------------------------------------------------------------------------------------------
async def settle(store: Store, engine: str, call_id: str, parse: Parse, now: datetime, *, again: int = 0) -> None:
    """Add what the vendor heard and we did not, once the session is over; a written report becomes stale and is made anew (C-23).

    Raises Conflict when the log has grown meanwhile, to be tried again.
    """
    async with store.read() as tx:
        call = await tx.engine_call(engine, call_id)
        if call is None or call.settled_at is not None:
            return
        heard = [message for stored in await tx.deliveries(engine, call_id=call_id) for message in parse(stored)]
        session = await tx.session(call.session_id)
        events = await tx.events(call.session_id)
    transcript = Transcript(session.questions if session else (), [stored.event for stored in events])
    ours = [turn.text for turn in sorted(transcript.turns.values(), key=lambda t: t.start_ms) if _is_within(call, turn)]
    # In a thread and outside of any transaction: aligning an hour of talk takes longer than a frame of audio may wait.
    lacking = await asyncio.to_thread(missing, ours, _best_transcript(heard, call.started_at or call.created_at))
    async with store.begin() as tx:
        call = await tx.engine_call(engine, call_id, for_update=True)
        session = await tx.session(call.session_id, for_update=True) if call else None
        if call is None or session is None or call.settled_at is not None:
            return
        if session.status not in ENDED:
            # A live leg writes this log; two writers would not agree on its sequence.
            key = f"{engine}:{call_id}:{again + 1}"
            payload = {"engine": engine, "callId": call_id, "round": again + 1}
            await tx.enqueue(SETTLE_JOB, key, payload, after_seconds=SETTLE_AGAIN_SECONDS)
            return
        if lacking and session.status is not SessionStatus.DELETED:
            await _add(tx, session, call, transcript, lacking, last_seq=events[-1].seq if events else 0)
        await tx.save_engine_call(replace(call, settled_at=now))


def _best_transcript(messages: list[Message], began: datetime) -> tuple[HeardTurn, ...]:
    """The account's turns; else whichever holds more of the candidate, the finals or a whole transcript, which knows no times."""
    for message in messages:
        if isinstance(message, CallReport) and message.turns:
            return message.turns
    finals = [_placed(m, m.at, began) for m in messages if isinstance(m, Said) and m.final and m.at]
    finals.sort(key=lambda turn: (turn.start_ms, turn.speaker, turn.text))
    whole = sorted((m.turns for m in messages if isinstance(m, Transcribed)), key=repr)
    return max((tuple(finals), *whole), key=_words_of_candidate)


def _placed(said: Said, at: datetime, began: datetime) -> HeardTurn:
    """A final comes when its words are over; how long they took follows from their number."""
    end_ms = max(0, round((at - began).total_seconds() * 1000))
    return HeardTurn(said.speaker, said.text, max(0, end_ms - WORD_MS * len(said.text.split())), end_ms)


def _words_of_candidate(turns: tuple[HeardTurn, ...]) -> int:
    return sum(len(turn.text.split()) for turn in turns if turn.speaker is Speaker.CANDIDATE)


def _is_within(call: EngineCall, turn: Turn) -> bool:
    """Whether the vendor can have heard these words: what was said before this call or after it is in no account of it."""
    lasted = [call.duration_seconds or 0.0] + ([(call.ended_at - call.created_at).total_seconds()] if call.ended_at else [])
    end_ms = call.base_ms + (max(lasted) + CLOCKS_DIFFER_SECONDS) * 1000 if any(lasted) else math.inf
    return turn.speaker is Speaker.CANDIDATE and turn.end_ms > call.base_ms and turn.start_ms < end_ms


async def _add(
    tx: Tx, session: InterviewSession, call: EngineCall, transcript: Transcript, lacking: Sequence[HeardTurn], *, last_seq: int
) -> None:
    """Append the turns to the log that `transcript` is the fold of, up to `last_seq`. Raises Conflict when it is longer by now."""
    added: list[TurnRecorded] = []
    prefix = f"{call.engine}-{call.id[:40]}-"
    before = sum(turn_id.startswith(prefix) for turn_id in transcript.turns)
    for n, turn in enumerate(lacking, before + 1):
        # Our clock stood still whenever nobody was connected; the vendor's did not.
        start_ms = min(call.base_ms + turn.start_ms, session.elapsed_ms)
        end_ms = min(call.base_ms + max(turn.start_ms, turn.end_ms), session.elapsed_ms)
        added.append(
            TurnRecorded(
                at_ms=end_ms, turn_id=f"{prefix}{n}", speaker=turn.speaker, text=turn.text,
                question_id=transcript.owner(start_ms), start_ms=start_ms, end_ms=end_ms, source=TurnSource.SPEECH,
            )
        )  # fmt: skip
        transcript.apply(added[-1])
    await tx.append_events(
        session.id,
        [(last_seq + n, event) for n, event in enumerate(added, 1)],
        turns=[turn_of(event) for event in added],
        segments=list(transcript.segments.values()),
    )
    logger.info("Interview {}: {} turns came from the vendor's transcript", session.id, len(added))
    has_report = await tx.report(session.id) is not None
    await tx.save_session(replace(session, report_status=ReportStatus.STALE if has_report else ReportStatus.QUEUED))
    await tx.enqueue(REPORT_JOB, f"{session.id}:{prefix}{before + len(added)}", {"sessionId": session.id})


# What never came ----------------------------------------------------------------------------------------------------
class Reconciler:
    """Asks the vendor about calls that are over for us and whose account never came; forgets nothing, asks ever more seldom (F14)."""

    def __init__(self, store: Store, engine: str, vendor: VoiceVendor, is_live: Callable[[str], bool]) -> None:
        self._store = store
        self._engine = engine
        self._vendor = vendor
        self._is_live = is_live
        self._next: dict[str, tuple[datetime, float]] = {}

    async def round(self, now: datetime) -> int:
        """One look at every unsettled call that is due; returns how many were asked after."""
        async with self._store.read() as tx:
            waiting = await tx.unsettled_calls(self._engine, before=now - timedelta(seconds=ACCOUNT_SECONDS / 3))
        self._next = {call.id: self._next.get(call.id, (now, 5.0)) for call in waiting}
        due = [call for call in waiting if self._next[call.id][0] <= now and not self._is_live(call.session_id)][:AT_ONCE]
        for call in due:
            wait = self._next[call.id][1]
            self._next[call.id] = (now + timedelta(seconds=wait), min(wait * 2, 120.0))
        # Together: with a vendor that does not answer, one after the other would hold up the sweeper for minutes.
        await asyncio.gather(*(self._ask(call, now) for call in due))
        return len(due)

    async def _ask(self, call: EngineCall, now: datetime) -> None:
        async with self._store.read() as tx:
            session = await tx.session(call.session_id)
        try:
            account = await self._vendor.account(call.id)
            if account.live:
                if now - call.created_at > timedelta(seconds=RECLAIM_SECONDS) and not _may_come_back(session, now):
                    logger.warning("A call at {} had outlived its interview and was ended", self._engine)
                    await self._vendor.hang_up(call.id)
                return
        except UpstreamFailed as error:
            logger.info("The account of a call could not be read: {}", error.reason)
            account = None
        if account is not None and account.complete and call.report_at is None:
            await receive(self._store, self._engine, account.delivery, now)
        elif now - _over_since(call, session) > timedelta(seconds=GIVE_UP_SECONDS):
            async with self._store.begin() as tx:
                key = f"{call.engine}:{call.id}:given-up"
                await tx.enqueue(SETTLE_JOB, key, {"engine": call.engine, "callId": call.id, "round": 0})


def _may_come_back(session: InterviewSession | None, now: datetime) -> bool:
    """Whether the call is kept on silence for a candidate whose line was lost, or somebody is in it at this moment."""
    if session is None or session.status not in LIVE:
        return False
    return session.interrupted_at is None or now - session.interrupted_at <= timedelta(seconds=RECLAIM_SECONDS)


def _over_since(call: EngineCall, session: InterviewSession | None) -> datetime:
    """The latest moment at which the call may still have gone on."""
    known = (call.ended_at, session.ended_at, session.interrupted_at) if session else (call.ended_at,)
    return max([call.created_at, *(moment for moment in known if moment is not None)])


# Recordings ---------------------------------------------------------------------------------------------------------
async def fetch_recording(
    store: Store, recordings: RecordingStore, vendor: VoiceVendor, engine: str, call_id: str, *, again: int = 0
) -> None:
    """Fetch the vendor's recording once and keep it as ours (C-21). One that is late, or out of reach, is asked for again in jobs of its own.

    It does not raise: a job that is tried again by the engine holds one of its few places while it waits, and reports need them.
    """
    async with store.read() as tx:
        call = await tx.engine_call(engine, call_id)
        session = await tx.session(call.session_id) if call else None
    if call is None or call.recording is not RecordingState.DUE or session is None or session.status is SessionStatus.DELETED:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording"
        try:
            media = await vendor.recording(call_id, file)
        except UpstreamFailed as error:
            final = error.reason in ("vapi_recording_foreign", "vapi_recording_too_large")
            if not final and again < len(RECORDING_WAITS):
                async with store.begin() as tx:
                    payload = {"engine": engine, "callId": call_id, "again": again + 1}
                    key = f"{engine}:{call_id}:{again + 1}"
                    await tx.enqueue(RECORDING_JOB, key, payload, after_seconds=RECORDING_WAITS[again])
                return
            logger.warning("A vendor's recording was given up: {}", error.reason)
            media = ""
        if media:
            await asyncio.to_thread(recordings.keep_vendor, call.session_id, call_id, file, media)
    async with store.begin() as tx:
        current = await tx.engine_call(engine, call_id, for_update=True)
        session = await tx.session(call.session_id, for_update=True)
        deleted = session is None or session.status is SessionStatus.DELETED
        if current is not None:
            state = RecordingState.STORED if media and not deleted else RecordingState.FAILED
            await tx.save_engine_call(replace(current, recording=state))
    if deleted:
        # Deleted while it was being fetched: the purge may have been faster.
        await asyncio.to_thread(recordings.delete, call.session_id)
