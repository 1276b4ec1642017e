"""A silence that was asked for is held, shown and broken in time: the conductor's real parts, without a voice (M6)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain import script
from bridge.domain.agenda import Agenda
from bridge.domain.catalog import Difficulty
from bridge.domain.events import CursorMoved, Event, HintGiven, Noted
from bridge.domain.setup import Mode
from bridge.usecases.call_log import CallLog
from bridge.usecases.conducting import FOLLOW_UP, MOVE_ON, STILL_THINKING, Conductor

from ...samples import QUESTIONS, SETUP, asked, said

THINKING = "I would begin with the reads, because there are far more of them than writes. Let me think about that."


class Room:
    """One call with its clock in the test's hand; the log is the real one, its writer is not needed."""

    def __init__(self) -> None:
        self.now = 2_000
        opened: list[Event] = [CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"), asked(1, 1_000)]
        self.agenda = Agenda(SETUP, QUESTIONS, opened)
        self.log = CallLog(None, "s1", self.agenda, last_seq=2, on_stored=self._stored)  # type: ignore[arg-type]
        self.events: list[Event] = []
        append = self.log.append

        def keep(event: Event) -> asyncio.Future[int]:
            self.events.append(event)
            return append(event)

        self.log.append = keep  # type: ignore[method-assign]
        self.conductor = Conductor(self.agenda, self.log, lambda: self.now)

    async def _stored(self, entry: Any) -> None:
        """Nothing is."""

    @property
    def notices(self) -> int:
        """How often the page was told."""
        return sum(isinstance(event, Noted) and event.code == "take_your_time" for event in self.events)

    async def hear(self, words: str) -> Any:
        """A finished turn; what is said next."""
        self.agenda.apply(said(words, self.now, self.now + 500, turn_id=f"t{self.now}"))
        self.now += 1_000
        return await self.conductor.after_answer(words)


@pytest.fixture
async def room() -> Room:
    """The first question has been asked."""
    return Room()


@pytest.mark.parametrize("words", ["Let me think.", THINKING, "I don't know, let me think"])
async def test_who_asks_for_time_has_it(room, words):
    """M6: the interviewer says nothing, and the page is told at once; the answer that comes then is reacted to."""
    assert await room.hear(words) is None
    assert room.conductor.silence.held
    assert room.notices == 1

    line = await room.hear("A hash of the key decides which shard has the row.")

    assert line.asks is not None
    assert not room.conductor.silence.held


async def test_thinking_out_loud_is_an_answer(room):
    """M6: "I think we should" holds nothing back."""
    line = await room.hear("I think we should put a cache in front of the database.")

    assert line.asks is not None
    assert room.notices == 0


@pytest.mark.parametrize("act", ["done", "skip"])
async def test_a_button_ends_the_silence(room, act):
    """M6: "that's my answer" and "next question" count more than the words before them."""
    await room.hear(THINKING)
    line = await room.conductor.done() if act == "done" else room.conductor.skip()

    assert line.asks is not None
    assert not room.conductor.silence.held


async def test_a_vendors_interviewer_is_told_to_wait(room):
    """M6, R-045: while the silence is held its follow-up tool says neither, and the same call says so again; afterwards it answers."""
    room.conductor.silence.words("Let me think.")
    held, _ = await room.conductor.tool(FOLLOW_UP, {"currentQuestionId": "q1"}, "c1")
    again, _ = await room.conductor.tool(FOLLOW_UP, {"currentQuestionId": "q1"}, "c1")
    room.conductor.silence.words("A cache in front of the database.")
    after, _ = await room.conductor.tool(FOLLOW_UP, {"currentQuestionId": "q1"}, "c2")

    assert held.result == again.result == STILL_THINKING
    assert after.result["followUpQuestion"] or after.result["moveOn"]


async def test_a_held_silence_has_an_end(room):
    """M6: after the question's own patience a vendor's tool goes on, and the clock cuts in all the same (R-049)."""
    room.conductor.silence.words("Let me think.")
    room.now += room.conductor.silence.policy.hold_ms + 1
    answer, _ = await room.conductor.tool(FOLLOW_UP, {"currentQuestionId": "q1"}, "c1")
    room.conductor.silence.words("Let me think.")
    room.now += 10 * 60_000
    line = room.conductor.on_clock()

    assert answer.result != STILL_THINKING
    assert line is not None
    assert line.asks.question_id == "q2"


async def test_quiet_is_told_then_spoken_to_once(room):
    """M6: the page first, then one word, later where time was asked for; a new question begins anew."""
    silence, policy = room.conductor.silence, room.conductor.silence.policy
    quiet = range(0, policy.hold_ms * 2, 1_000)

    spoken = [ms for ms in quiet if silence.look(ms)]
    assert [policy.nudge_ms < ms <= policy.nudge_ms + 1_000 for ms in spoken] == [True]
    assert room.notices == 1

    silence.words("Let me think.")
    spoken = [ms for ms in quiet if silence.look(ms)]
    assert [policy.hold_ms < ms <= policy.hold_ms + 1_000 for ms in spoken] == [True]
    assert room.notices == 2

    silence.asked()
    assert silence.look(policy.nudge_ms + 1)


async def test_only_the_follow_up_tool_waits(room):
    """M6: who moves on is not asked again: the candidate may have said so in words we do not know."""
    room.conductor.silence.words("Let me think.")
    answer, _ = await room.conductor.tool(MOVE_ON, {"currentQuestionId": "q1"}, "c1")

    assert answer.result["nextQuestionId"] == "q2"


def study(room: Room, difficulty: Difficulty = Difficulty.MEDIUM) -> Room:
    """The same call in study mode."""
    room.agenda.setup = replace(SETUP, difficulty=difficulty, mode=Mode.STUDY)
    return room


@pytest.mark.parametrize("words", ["Give me a hint, please.", "Can I have a hint?"])
async def test_a_hint_that_is_asked_for_is_given_and_logged(room, words):
    """M12, R-020: said by the interviewer, one event, and no second where the difficulty has one; no key point is said (A9)."""
    line = await study(room).hear(words)
    more = await room.hear(words)
    given = [event for event in room.events if isinstance(event, HintGiven)]

    assert [(hint.question_id, hint.n, hint.of) for hint in given] == [("q1", 1, 1)]
    assert line.spoken == f"{script.HINT} {given[0].text}"
    assert more.spoken == script.NO_MORE_HINTS
    assert not any(point.text.lower() in line.spoken.lower() for point in QUESTIONS[0].key_points)


async def test_a_real_interview_has_no_hints(room):
    """M12: as in an exam: a friendly no, nothing given, the question stays; the same where the difficulty has none."""
    line = await room.hear("Give me a hint, please.")
    hard = await study(Room(), Difficulty.HARD).hear("Give me a hint, please.")

    assert (line.spoken, hard.spoken) == (script.NO_HINTS, script.NO_HINTS_LEVEL)
    assert not any(isinstance(event, HintGiven) for event in room.events)
    assert room.agenda.current == QUESTIONS[0]
