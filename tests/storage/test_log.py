"""The log, the turns and the segments, on both databases."""

import asyncio
import random
import string
from contextlib import suppress

import pytest
from sqlalchemy import event

from bridge.domain.events import (
    EVENTS,
    CursorMoved,
    EngineChanged,
    HintGiven,
    InterviewEnded,
    LegEnded,
    LegStarted,
    Noted,
    OperatorActed,
    QuestionAsked,
    Speaker,
    ToolAnswered,
    TurnSource,
)
from bridge.errors import Conflict
from bridge.ports import StoredEvent
from storage.database import Database

from .samples import NOW, said, segment, stored, turn

ONE_OF_EACH = [
    LegStarted(at_ms=0, leg=1, engine="local"),
    CursorMoved(at_ms=1, from_id=None, to_id="q-1", reason="opening"),
    QuestionAsked(at_ms=2, question_id="q-1", n=1, of=2, text="Why? 日本", follow_up=1, about="k1", source="model"),
    said(source=TurnSource.BROWSER, final=False, interrupted=True),
    ToolAnswered(at_ms=4, tool_call_id="c", tool="getFollowUpQuestion", question_id="q-1", result={"a": [1, None, 0.5]}),
    Noted(at_ms=5, code="mute", detail="on"),
    HintGiven(at_ms=5, question_id="q-1", n=1, of=2, text="Where would you look?", about="k1"),
    OperatorActed(at_ms=5, action="whisper", text="Ask why.", minutes=0, told="An operator helps."),
    EngineChanged(at_ms=5, from_engine="vapi", to_engine="local", reason="lost"),
    LegEnded(at_ms=6, leg=1, reason="lost"),
    InterviewEnded(at_ms=2**40, reason="finished"),
]


async def test_every_event_comes_back_as_it_was(database: Database):
    """R-058, M1: the log in order, each event whole, with the time it was stored."""
    assert set(EVENTS) == {event.kind for event in ONE_OF_EACH}
    made = await stored(database)
    entries = list(enumerate(ONE_OF_EACH, 1))
    async with database.begin() as tx:
        await tx.append_events(made.id, entries[:3], turns=[], segments=[])
        await tx.append_events(made.id, entries[3:], turns=[], segments=[])

    expected = [StoredEvent(seq, NOW, event) for seq, event in entries]
    async with database.read() as tx:
        assert expected == await tx.events(made.id)
        assert expected[5:] == await tx.events(made.id, after=5)
        assert expected[2:4] == await tx.events(made.id, after=2, limit=2)


async def test_a_taken_place_is_a_conflict_and_nothing_is_kept(database: Database):
    """M1: two writers never both own a place in the log; the loser leaves nothing behind, even when it catches the error."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.append_events(made.id, [(1, said("first"))], turns=[turn("first")], segments=[])

    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.append_events(made.id, [(2, said()), (1, said())], turns=[turn("loser")], segments=[segment()])
    with pytest.raises(Conflict):  # noqa: PT012 - it is raised again at the end of the transaction
        async with database.begin() as tx:
            await tx.append_events(made.id, [(2, said())], turns=[turn("loser")], segments=[])
            with suppress(Conflict):
                await tx.append_events(made.id, [(1, said())], turns=[], segments=[])

    async with database.read() as tx:
        assert [StoredEvent(1, NOW, said("first"))] == await tx.events(made.id)
        assert [turn("first")] == await tx.turns(made.id)
        assert await tx.segments(made.id) == []


async def test_of_two_writers_at_once_one_wins(database: Database):
    """M1: the same under real concurrency."""
    made = await stored(database)

    async def write(name: str) -> str:
        async with database.begin() as tx:
            await tx.append_events(made.id, [(1, said(name))], turns=[], segments=[])
        return name

    outcomes = await asyncio.gather(*(write(f"t{n}") for n in range(4)), return_exceptions=True)

    winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
    async with database.read() as tx:
        assert winners == [entry.event.turn_id for entry in await tx.events(made.id)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3


async def test_a_turn_that_grows_is_one_turn(database: Database):
    """R-058, C-22: the same turn again replaces its text, in one batch or two; order is start, then first storing."""
    made = await stored(database)
    final = turn("b", "Two pointers, from both ends.", end_ms=9000, speaker=Speaker.INTERVIEWER, interrupted=True)
    async with database.begin() as tx:
        await tx.append_events(
            made.id,
            [(1, said())],
            turns=[turn("late", start_ms=5000), turn("b", "Two", final=False), turn("a"), turn("b", "Two pointers")],
            segments=[segment(2, closed=False), segment(1), segment(2)],
        )
        await tx.append_events(made.id, [(2, said())], turns=[final], segments=[segment(1, turn_ids=("t1", "t2"))])

    async with database.read() as tx:
        assert [final, turn("a"), turn("late", start_ms=5000)] == await tx.turns(made.id)
        assert [segment(1, turn_ids=("t1", "t2")), segment(2)] == await tx.segments(made.id)


async def test_turns_of_two_sessions_do_not_meet(database: Database):
    """R-116: the same turn id in another interview is another turn."""
    one, other = await stored(database), await stored(database)
    for made, words in ((one, "mine"), (other, "theirs")):
        async with database.begin() as tx:
            await tx.append_events(made.id, [(1, said())], turns=[turn("t1", words)], segments=[segment()])

    async with database.read() as tx:
        assert [turn("t1", "mine")] == await tx.turns(one.id)
        assert [turn("t1", "theirs")] == await tx.turns(other.id)


async def test_any_text_survives_the_log(database: Database):
    """Contract 6: words of any alphabet, quotes, backslashes and control characters come back as they were."""
    made = await stored(database)
    rng = random.Random(7)
    alphabet = string.printable + "äß日本語🙂\u200b\u2028\\'\"%_:{}\x01\x7f"
    texts = ["".join(rng.choices(alphabet, k=rng.randrange(0, 400))) for _ in range(50)]
    async with database.begin() as tx:
        await tx.append_events(
            made.id,
            [(n, said(f"t{n}", words)) for n, words in enumerate(texts, 1)],
            turns=[turn(f"t{n}", words) for n, words in enumerate(texts, 1)],
            segments=[],
        )

    async with database.read() as tx:
        assert texts == [entry.event.text for entry in await tx.events(made.id)]
        assert texts == [kept.text for kept in await tx.turns(made.id)]


async def test_appending_is_few_statements(database: Database):
    """R-155: one batch is three statements however much is in it."""
    made = await stored(database)
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2].split()[0]))
    async with database.begin() as tx:
        await tx.append_events(
            made.id,
            [(n, said()) for n in range(1, 101)],
            turns=[turn(f"t{n}") for n in range(50)],
            segments=[segment(n) for n in range(10)],
        )

    assert [word for word in statements if word not in ("BEGIN", "SELECT")] == ["INSERT"] * 3
