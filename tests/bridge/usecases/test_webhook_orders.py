"""Whatever the order, the repeats and the delays of one call's webhooks, the same facts end in the same rows (F8, C-25, R-057).

A real database and the real use cases; Hypothesis draws the order, the repeats, how late each job runs and which jobs run twice.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved, Event
from bridge.domain.session import InterviewSession, ReportStatus, SessionStatus
from bridge.domain.upstream import Message
from bridge.ports import StoredDelivery
from bridge.usecases import calling, engine_calls
from bridge.wire import vapi_messages
from storage.database import Database
from storage.migrate import migrate

from ...samples import QUESTIONS, SETUP, asked, said

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=calling.RECLAIM_SECONDS + 1)
MADE = NOW - timedelta(minutes=10)
OURS = "I put a cache in front of the database and invalidate it on writes"
LOST = "Then I would partition by a hash of the customer key across several nodes"
BASE_MS = 2_000


def ms(seconds: float) -> int:
    """A time of the call as Vapi writes it."""
    return int((MADE.timestamp() + seconds) * 1000)


def rfc(seconds: float) -> str:
    """The same as text."""
    return (MADE + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


TURNS = [
    {"role": "system", "message": "You are an interviewer.", "time": ms(0), "secondsFromStart": 0},
    {"role": "bot", "message": "Question 1?", "time": ms(1), "endTime": ms(4), "secondsFromStart": 1, "duration": 3000},
    {"role": "user", "message": f"{OURS}.", "time": ms(6), "endTime": ms(20), "secondsFromStart": 6, "duration": 14000},
    {"role": "bot", "message": "Question 2?", "time": ms(60), "endTime": ms(63), "secondsFromStart": 60, "duration": 3000},
    {"role": "user", "message": f"{LOST}.", "time": ms(66), "endTime": ms(80), "secondsFromStart": 66, "duration": 14000},
]
REPORT = {
    "type": "end-of-call-report", "timestamp": ms(130), "endedReason": "customer-ended-call", "startedAt": rfc(0.5), "endedAt": rfc(120),
    "durationSeconds": 119.5, "cost": 0.25, "costBreakdown": {"stt": 0.02, "llm": 0.03, "vapi": 0.1, "total": 0.25},
    "artifact": {
        "transcript": "USER: something else\n", "messages": TURNS, "recording": {"stereoUrl": "https://storage.example/s.mp3"},
        "presignedMonoUrl": "https://storage.example/m.mp3?sig=0",
    },
}  # fmt: skip


def tool_calls(call_id: str, name: str, at: float) -> dict[str, Any]:
    """A live tool call."""
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": {"currentQuestionId": "q1"}}}
    return {"type": "tool-calls", "timestamp": ms(at), "toolCallList": [call]}


REAL: list[dict[str, Any]] = [
    {"type": "status-update", "status": "in-progress", "timestamp": ms(0.7)},
    {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": OURS, "timestamp": ms(20)},
    {"type": 'transcript[transcriptType="final"]', "role": "user", "transcriptType": "final", "transcript": LOST, "timestamp": ms(80)},
    tool_calls("t-1", "getFollowUpQuestion", 21),
    {"type": "hang", "timestamp": ms(25)},
    {"type": "call.artifact.upload", "artifacts": [{"type": "recording-stereo", "success": True}], "timestamp": ms(140)},
    {"type": "status-update", "status": "ended", "endedReason": "customer-ended-call", "timestamp": ms(121)},
    REPORT,
]  # fmt: skip
DOCUMENT: list[dict[str, Any]] = [
    {"type": "call.started", "timestamp": ms(0.9)},
    {
        "type": "call.transcript",
        "transcript": f"INTERVIEWER: Question 1?\nUSER: {OURS}\nINTERVIEWER: Question 2?\nUSER: {LOST}\n",
        "timestamp": ms(125),
    },
    {"type": "call.recording", "recordingUrl": "https://storage.example/s.mp3", "timestamp": ms(126)},
    {"type": "call.ended", "reason": "customer-ended-call", "duration": 119, "timestamp": ms(123)},
]
STRANGERS: list[dict[str, Any]] = [
    {"message": {**REPORT, "call": {"id": "somebody-elses"}}},
    {"type": "call.ended", "callId": "somebody-elses", "timestamp": ms(5)},
]
NO_REPORT = [m for m in REAL if m is not REPORT]


def bodies(real: list[dict[str, Any]], call_id: str) -> list[dict[str, Any]]:
    """The webhooks of one call, of both families, and some of nobody's."""
    mine = [{"message": {**m, "call": {"id": call_id}}} for m in real]
    return [*mine, *({**m, "callId": call_id, "sessionId": "s"} for m in DOCUMENT), *STRANGERS]


def again(body: dict[str, Any], n: int) -> dict[str, Any]:
    """The n-th repeat: signed links differ from delivery to delivery (vapi-protocol §4.2)."""
    made = copy.deepcopy(body)
    artifact = made.get("message", {}).get("artifact")
    if artifact:
        artifact["presignedMonoUrl"] = f"https://storage.example/m.mp3?sig={n}"
    return made


def parse(stored: StoredDelivery) -> tuple[Message, ...]:
    """What the composition root hands in."""
    return vapi_messages.parse_delivery(stored.body).messages


@dataclass(frozen=True)
class Plan:
    """One history: which webhook comes when, how late its job runs, which jobs run twice."""

    order: list[int]
    lags: list[int]
    twice: list[bool]


def plans(n: int) -> st.SearchStrategy[Plan]:
    """Every one of n webhooks at least once, some up to three times, in any order."""
    extra = st.lists(st.integers(0, n - 1), max_size=n // 3)
    orders = extra.flatmap(lambda more: st.permutations([*range(n), *more]))
    return orders.flatmap(
        lambda order: st.builds(
            Plan,
            st.just(list(order)),
            st.lists(st.integers(0, 12), min_size=len(order), max_size=len(order)),
            st.lists(st.booleans(), min_size=len(order), max_size=len(order)),
        )
    )


class World:
    """One database for all examples; each has a session and a call of its own."""

    def __init__(self, store: Database, runner: asyncio.Runner) -> None:
        self.store = store
        self.runner = runner
        self.numbers = count(1)

    async def session(self, state: str) -> InterviewSession:
        """An interview whose second answer only the vendor heard: ended, or interrupted with its questions over, or open."""
        async with self.store.begin() as tx:
            made = InterviewSession(
                id=str(uuid4()), user_id=await tx.single_user(), setup=SETUP, questions=QUESTIONS,
                status=SessionStatus.IN_PROGRESS, created_at=MADE, started_at=MADE,
            )  # fmt: skip
            await tx.add_session(made)
            events: list[Event] = [
                CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"),
                asked(1, BASE_MS + 1_000),
                said(OURS.lower(), BASE_MS + 6_100, BASE_MS + 20_300),
                CursorMoved(at_ms=BASE_MS + 58_000, from_id="q1", to_id="q2", reason="answered"),
                asked(2, BASE_MS + 60_000),
            ]
            if state != "open":
                events.append(CursorMoved(at_ms=BASE_MS + 90_000, from_id="q2", to_id=None, reason="end"))
            agenda = Agenda(made.setup, made.questions, events)
            await tx.append_events(
                made.id,
                list(enumerate(events, 1)),
                turns=list(agenda.transcript.turns.values()),
                segments=list(agenda.transcript.segments.values()),
            )
        return made

    async def play(self, state: str, real: list[dict[str, Any]], plan: Plan) -> dict[str, Any]:
        """The rows after one history."""
        store, call_id = self.store, f"call-{next(self.numbers)}"
        made = await self.session(state)
        await engine_calls.opened(store, made, "vapi", call_id, base_ms=BASE_MS, now=MADE)
        await calling.leave(store, made.id, elapsed_ms=BASE_MS + 95_000, now=NOW)
        if state == "ended":
            await calling.finish(store, made.id, "finished", elapsed_ms=None, now=NOW)
        sent = bodies(real, call_id)
        due: list[tuple[int, int]] = []
        for step, place in enumerate(plan.order):
            delivery = vapi_messages.parse_delivery(again(sent[place], step))
            row = await engine_calls.receive(store, "vapi", delivery, NOW + timedelta(seconds=step))
            if row is not None:
                due += [(step + plan.lags[step], row)] * (2 if plan.twice[step] else 1)
            for at, waiting in sorted(due):
                if at <= step:
                    await engine_calls.apply(store, waiting, parse, NOW)
            due = [(at, waiting) for at, waiting in due if at > step]
            if plan.twice[step] and await self.has_account(call_id):
                await engine_calls.settle(store, "vapi", call_id, parse, NOW)
        for _, waiting in sorted(due):
            await engine_calls.apply(store, waiting, parse, NOW)
        if state == "open":
            await calling.sweep(store, LATER)
        await engine_calls.settle(store, "vapi", call_id, parse, LATER, again=1)
        rows = await self.rows(made.id, call_id, sent)
        async with store.begin() as tx:
            # The sweep of the next history shall not look at this one's missing report.
            await tx.save_session(replace(rows["raw"]["session"], id=made.id, status=SessionStatus.DELETED))
        return rows

    async def has_account(self, call_id: str) -> bool:
        """Whether the job that settles the call has been enqueued and may run at any moment."""
        async with self.store.read() as tx:
            call = await tx.engine_call("vapi", call_id)
        return call is not None and call.report_at is not None

    async def rows(self, session_id: str, call_id: str, sent: list[dict[str, Any]]) -> dict[str, Any]:
        """All that is kept of one call, without its own ids and our own clock."""
        async with self.store.read() as tx:
            session = await tx.session(session_id)
            call = await tx.engine_call("vapi", call_id)
            inbox = await tx.deliveries("vapi", call_id=call_id)
            assert session is not None
            assert call is not None
            assert call.settled_at is not None
            expected = [d.key for d in map(vapi_messages.parse_delivery, sent) if d.call_id == call_id]
            assert sorted({*expected}) == sorted(d.key for d in inbox), "one row for each fact, whoever told it"
            events = [(s.seq, s.event) for s in await tx.events(session_id)]
            found = {
                "session": replace(session, id="", call_id=None),
                "calls": [replace(call, id="", session_id="", settled_at=None)],
                "events": events,
                "turns": await tx.turns(session_id),
                "segments": await tx.segments(session_id),
                "costs": sorted(str(replace(entry, session_id="")) for entry in await tx.costs(session_id)),
                "inbox": sorted((d.key.split(":")[0], d.state.value) for d in inbox),
            }
        return {name: repr(value).replace(call_id, "C") for name, value in found.items()} | {
            "answer": _answer(found),
            "raw": found,
        }


def _answer(found: dict[str, Any]) -> str:
    return next(segment.answer for segment in found["segments"] if segment.question_id == "q2")


def without_raw(rows: dict[str, Any]) -> dict[str, Any]:
    """What is compared."""
    return {name: value for name, value in rows.items() if name != "raw"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A migrated database in a loop of its own."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('orders') / 'prepkit.db'}"
    with asyncio.Runner() as runner:
        runner.run(migrate(url))
        store = runner.run(Database.open(url, clock=lambda: NOW))
        yield World(store, runner)
        runner.run(store.close())


def straight(real: list[dict[str, Any]]) -> Plan:
    """Everything once, in order, at once."""
    n = len(bodies(real, ""))
    return Plan(list(range(n)), [0] * n, [False] * n)


@pytest.fixture(scope="module")
def straight_rows(world: World) -> dict[tuple[str, bool], dict[str, Any]]:
    """The rows of the history without surprises, by state and whether the account came."""
    return {
        (state, reported): world.runner.run(world.play(state, REAL if reported else NO_REPORT, straight(REAL if reported else NO_REPORT)))
        for state in ("ended", "over", "open")
        for reported in (True, False)
    }  # fmt: skip


STATES = ("ended", "over", "open")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reported", [True, False])
def test_the_vendors_messages_become_our_rows(straight_rows: dict[tuple[str, bool], dict[str, Any]], state: str, reported: bool):
    """C-22, C-23, R-103: the lost answer is under its question once, the account is booked, the session ended, the recording due."""
    found = straight_rows[state, reported]["raw"]
    session, call = found["session"], found["calls"][0]

    assert session.status is SessionStatus.PARTIAL
    assert session.report_status is ReportStatus.QUEUED
    assert session.end_reason == ("abandoned" if state == "open" else "finished")
    answers = {segment.question_id: segment.answer for segment in found["segments"]}
    assert answers["q1"] == OURS.lower()
    assert answers["q2"].rstrip(".") == LOST
    assert (call.end_reason, call.recording) == ("customer-ended-call", "due")
    if reported:
        assert call.duration_seconds == 119.5
        assert call.ended_at == MADE + timedelta(seconds=120)
        amounts = {line.split("item='")[1].split("'")[0]: line for line in found["costs"] if "ACTUAL" in line}
        assert {"call", "stt", "llm", "vapi"} == set(amounts)
        assert "amount_micros=250000" in amounts["call"]
    assert sum("ESTIMATE" in line for line in found["costs"]) == 1


@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_order_ends_in_the_same_rows(
    world: World, straight_rows: dict[tuple[str, bool], dict[str, Any]], data: st.DataObject
):
    """F8, R-057, R-171, C-25: 200 shuffles with repeats, late jobs and repeated jobs."""
    state = data.draw(st.sampled_from(STATES))
    plan = data.draw(plans(len(bodies(REAL, ""))))

    rows = world.runner.run(world.play(state, REAL, plan))

    assert without_raw(rows) == without_raw(straight_rows[state, True])
