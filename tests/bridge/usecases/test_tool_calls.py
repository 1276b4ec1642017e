"""Live tool calls of a vendor's interviewer, on a real database, log and conductor (R-045, R-046, B10, C-18)."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved, QuestionAsked, ToolAnswered
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.upstream import ToolCall
from bridge.usecases import calling, engine_calls, tool_calls
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.conducting import FOLLOW_UP, MOVE_ON, Conductor
from bridge.wire import vapi_messages
from storage.database import Database
from storage.migrate import migrate

from ...samples import QUESTIONS, SETUP, asked, said
from .test_calling import NOW

CALL = "call-1"
CURRENT: dict[str, Any] = {"currentQuestionId": "q1"}
WRONG_IDS = ("q1", "q2", "q3", "", "no-such-question", "Q1", "1", "q1 ", "\u0000", "x" * 5_000)


class Leg:
    """A live leg's conductor and log, answering as `pipeline.call.CallLeg.tool` does: stored first."""

    def __init__(self, store: Database, session: InterviewSession) -> None:
        async def stored(_: Entry) -> None:
            """Nobody is connected to tell."""

        self.now = 5_000
        self.agenda = Agenda(session.setup, session.questions)
        self.log = CallLog(store, session.id, self.agenda, last_seq=0, on_stored=stored)
        self.conductor = Conductor(self.agenda, self.log, lambda: self.now)

    async def tool(self, name: str, arguments: dict[str, Any], tool_call_id: str) -> dict[str, Any]:
        """Answer, once the answer is durable."""
        answer, stored = await self.conductor.tool(name, arguments, tool_call_id)
        if stored is not None:
            await stored
        return answer.result

    def hear(self, n: int) -> None:
        """The n-th question is heard by the candidate."""
        self.now += 10_000
        self.log.append(asked(n, self.now))


class Call:
    """A session with its call at a vendor, and a leg that may come and go."""

    def __init__(self, store: Database, session: InterviewSession) -> None:
        self.store, self.session = store, session
        self.leg: Leg | None = Leg(store, session)
        self.known = tool_calls.KnownCalls()

    async def ask(self, name: str, arguments: dict[str, Any] | None = None, id: str = "t1", call: str | None = CALL) -> Any:
        """The result as an object, or the error as text."""
        given = ToolCall(id, name, CURRENT if arguments is None else arguments)
        tool, result, error = await tool_calls.answer(self.store, lambda _: self.leg, "vapi", call, given, known_calls=self.known)
        assert tool is given
        assert (result is None) != (error is None)
        text = result or error or ""
        assert text
        assert text.isprintable()
        return json.loads(result) if result is not None else error

    async def events(self, kind: type) -> list[Any]:
        """What the log holds of a kind."""
        async with self.store.read() as tx:
            return [s.event for s in await tx.events(self.session.id) if isinstance(s.event, kind)]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("tools") / "prepkit.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database."""
    shutil.copy(migrated, tmp_path / "prepkit.db")
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}", clock=lambda: NOW)
    yield opened
    await opened.close()


@pytest.fixture
async def call(store: Database) -> AsyncIterator[Call]:
    """An interview in progress at its first question, with a leg."""
    async with store.begin() as tx:
        session = InterviewSession(
            id=str(uuid4()), user_id=await tx.single_user(), setup=SETUP, questions=QUESTIONS, status=SessionStatus.IN_PROGRESS,
            created_at=NOW, engine="vapi",
        )  # fmt: skip
        await tx.add_session(session)
    await engine_calls.opened(store, session, "vapi", CALL, base_ms=0, now=NOW)
    made = Call(store, session)
    assert made.leg is not None
    writer = asyncio.create_task(made.leg.log.run())
    log = made.leg.log
    made.leg.log.append(CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"))
    made.leg.log.append(asked(1, 1_000))
    yield made
    log.close()
    await writer


async def test_the_follow_up_comes_from_our_own_transcript(call: Call):
    """R-045, C-18: what the candidate said is what we heard, whatever the argument claims."""
    assert call.leg is not None
    call.leg.log.append(said("I would add a cache.", 2_000, 4_000))

    answer = await call.ask(FOLLOW_UP, {"currentQuestionId": "q1", "userResponse": "I shard by key, and I hash, and cache."})

    assert answer == {"followUpQuestion": QUESTIONS[0].follow_ups[1].text, "moveOn": False, "source": "prepared"}


async def test_the_argument_is_a_hint_where_we_have_heard_nothing_yet(call: Call):
    """R-045, C-18: a tool call may be faster than the final it is about; once there are words of ours, the claim counts no more."""
    everything = {"currentQuestionId": "q1", "userResponse": "I put a cache in front and shard by a hash of the key."}

    assert (await call.ask(FOLLOW_UP, everything, id="early"))["moveOn"] is True
    assert call.leg is not None
    call.leg.log.append(said("Well, I would say caching.", 2_000, 4_000))
    assert (await call.ask(FOLLOW_UP, everything, id="then"))["followUpQuestion"] == QUESTIONS[0].follow_ups[1].text


async def test_the_same_id_gets_the_same_answer_and_has_one_effect(call: Call):
    """R-046, F8: asked again at once, later, or after the leg is gone."""
    first = await call.ask(MOVE_ON)
    assert call.leg is not None
    call.leg.hear(2)
    again = await call.ask(MOVE_ON, {"currentQuestionId": "q2"})
    await call.ask(MOVE_ON, {"currentQuestionId": "q2"}, id="t2")
    call.leg = None
    gone = await call.ask(MOVE_ON)

    assert first == again == gone == {"nextQuestionId": "q2", "nextQuestion": QUESTIONS[1].spoken, "done": False}
    assert [(e.from_id, e.to_id) for e in await call.events(CursorMoved)] == [(None, "q1"), ("q1", "q2"), ("q2", "q3")]
    assert len(await call.events(ToolAnswered)) == 2


@pytest.mark.parametrize("name", [FOLLOW_UP, MOVE_ON])
async def test_a_wrong_question_id_is_answered_for_the_question_on_the_floor(call: Call, name: str):
    """B10: the cursor never goes back and never skips, and nobody is sent back to a question that is behind."""
    assert call.leg is not None
    for n in (2, 3):
        await call.ask(MOVE_ON, {"currentQuestionId": f"q{n - 1}"}, id=f"to-{n}")
        call.leg.hear(n)
    for n, wrong in enumerate(WRONG_IDS):
        before = call.leg.agenda.position
        answer = await call.ask(name, {"currentQuestionId": wrong}, id=f"w{n}")
        assert call.leg.agenda.position == before == 3
        assert answer.get("nextQuestionId") in (None, "q3")
        assert answer.get("followUpQuestion") in (None, *(f.text for f in QUESTIONS[2].follow_ups))


async def test_many_calls_at_once_move_once(call: Call):
    """B10: a hundred in parallel, each with an id of its own, are one move: the next question has not been heard yet."""
    answers = await asyncio.gather(*(call.ask(MOVE_ON, id=f"p{n}") for n in range(100)))

    assert {answer["nextQuestionId"] for answer in answers} == {"q2"}
    assert call.leg is not None
    assert call.leg.agenda.position == 2
    assert len(await call.events(ToolAnswered)) == 100


def forget_calls(file: Path) -> None:
    """Take every vendor's call out of the database, behind the server's back."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM engine_calls")


async def test_whose_call_it_is_is_looked_up_once(call: Call, tmp_path: Path):
    """R-045: nothing is read for the second call of a live interview; without a leg all is looked up, and nothing is answered from what was known."""
    first = await call.ask(FOLLOW_UP, id="t1")
    # In a thread: the call's own writer may hold the lock, and needs this loop to let it go.
    await asyncio.to_thread(forget_calls, tmp_path / "prepkit.db")

    assert first == await call.ask(FOLLOW_UP, id="t1")
    assert {"followUpQuestion", "moveOn", "source"} == set(await call.ask(FOLLOW_UP, id="t2"))
    call.leg = None
    assert await call.ask(FOLLOW_UP, id="t3") == tool_calls.UNKNOWN_CALL


async def test_through_the_questions_to_the_end(call: Call):
    """R-046: after the last question the answer is done, and stays so."""
    assert call.leg is not None
    for n in (2, 3):
        await call.ask(MOVE_ON, {"currentQuestionId": f"q{n - 1}"}, id=f"to-{n}")
        call.leg.hear(n)
    over = {"nextQuestionId": None, "nextQuestion": None, "done": True}

    assert await call.ask(MOVE_ON, {"currentQuestionId": "q3"}, id="last") == over
    assert await call.ask(MOVE_ON, {"currentQuestionId": "q3"}, id="once more") == over
    assert (await call.ask(FOLLOW_UP, {"currentQuestionId": "q3"}, id="late"))["moveOn"] is True
    assert [e.to_id for e in await call.events(CursorMoved)] == ["q1", "q2", "q3", None]


async def test_after_the_end_the_answer_is_over_whatever_is_asked(call: Call):
    """B10: the vendor has not noticed yet that the interview was ended."""
    call.leg = None
    await calling.finish(call.store, call.session.id, "ended_by_candidate", elapsed_ms=9_000, now=NOW)

    assert await call.ask(MOVE_ON) == {"nextQuestionId": None, "nextQuestion": None, "done": True}
    assert await call.ask(FOLLOW_UP) == {"followUpQuestion": None, "moveOn": True, "source": "prepared"}


async def test_without_a_leg_nothing_moves(call: Call):
    """M1: the candidate is away; the question they come back to is the one they left."""
    call.leg = None

    assert await call.ask(MOVE_ON) == tool_calls.AWAY
    assert await call.ask(FOLLOW_UP) == tool_calls.AWAY
    assert await call.events(ToolAnswered) == []


async def test_unknown_tools_and_calls_are_told_so_in_band(call: Call):
    """B10, C-25: one well-formed answer each, never an exception."""
    for name in ("", "getfollowupquestion", "endCall", "__class__", "x" * 300):
        assert await call.ask(name) == tool_calls.UNKNOWN_TOOL
    for unknown in (None, "", "call-2", "'; DROP TABLE engine_calls; --"):
        assert await call.ask(MOVE_ON, call=unknown) == tool_calls.UNKNOWN_CALL


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], ["q1"], {"id": "q1"}, "q1"])
async def test_arguments_of_any_type_get_an_answer(call: Call, value: Any):
    """B10: the model fills in what it likes."""
    answer = await call.ask(MOVE_ON, {"currentQuestionId": value, "userResponse": value, "more": value})

    assert answer["nextQuestionId"] == "q2"


async def test_what_a_tool_answers_is_what_is_heard_next(call: Call):
    """R-047: the conductor knows which question the interviewer is about to put."""
    assert call.leg is not None
    result = await call.ask(FOLLOW_UP, id="f")
    (answer,) = await call.events(ToolAnswered)
    asks = call.leg.conductor.asks_of(answer)

    assert isinstance(asks, QuestionAsked)
    assert (asks.text, asks.follow_up, asks.question_id) == (result["followUpQuestion"], 1, "q1")


def test_answers_are_single_lines_in_the_order_of_the_calls():
    """C-18: strings on one line, ids echoed exactly, an error beside a result."""
    calls = [ToolCall(f"id {n}", MOVE_ON) for n in range(3)]
    body = vapi_messages.tool_results(
        [(calls[0], '{"done":true}', None), (calls[1], None, "two\nlines"), (calls[2], "a\r\n b", None)]
    )

    assert [(r["toolCallId"], r.get("result"), r.get("error")) for r in body["results"]] == [
        ("id 0", '{"done":true}', None),
        ("id 1", None, "two lines"),
        ("id 2", "a b", None),
    ]
