"""Vendors' calls, on both databases."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bridge.domain.upstream import EngineCall, RecordingState
from bridge.errors import Conflict, NotFound
from bridge.ports import Tx
from storage import tables
from storage.database import Database

from .samples import NOW, engine_call, stored


def settled(call: EngineCall) -> EngineCall:
    """The call with everything about it known."""
    return replace(
        call,
        base_ms=61_000,
        started_at=NOW + timedelta(minutes=3),
        ended_at=NOW + timedelta(minutes=20, microseconds=1),
        end_reason="customer-ended-call",
        duration_seconds=1020.25,
        report_at=NOW + timedelta(minutes=21),
        recording=RecordingState.STORED,
        settled_at=NOW + timedelta(minutes=22),
    )


async def test_a_call_comes_back_as_it_was(database: Database):
    """R-162: every field survives, when new and when settled, found by the vendor's id and in the session's order."""
    made = await stored(database)
    first, second = engine_call(made.id, 1, id="call-z"), engine_call(made.id, 2, id="call-a")
    async with database.begin() as tx:
        port: Tx = tx
        await port.add_engine_call(second)
        await port.add_engine_call(replace(first, session_id=made.id.upper()))

    async with database.begin() as tx:
        assert first == await tx.engine_call("vapi", "call-z", for_update=True)
        assert [first, second] == await tx.engine_calls(made.id)
        await tx.save_engine_call(settled(first))

    async with database.read() as tx:
        assert settled(first) == await tx.engine_call("vapi", "call-z")
        assert [settled(first), second] == await tx.engine_calls(made.id.upper())


async def test_an_unknown_call_is_none(database: Database):
    """C-25: another engine's id, a strange id or a strange session finds nothing and breaks nothing."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_engine_call(engine_call(made.id))

    async with database.read() as tx:
        for engine, call_id in (("gemini", "call-1"), ("vapi", "call-2"), ("vapi", ""), ("vapi", "\0"), ("vapi", "\ud800")):
            assert await tx.engine_call(engine, call_id) is None
        for session_id in (str(uuid4()), "", "\0", "x" * 10_000):
            assert await tx.engine_calls(session_id) == []


async def test_saving_writes_what_changes_and_nothing_else(database: Database):
    """R-162: whose call it is and when it was made stay; only this call is touched."""
    made, other = await stored(database), await stored(database)
    first, second = engine_call(made.id, 1), engine_call(made.id, 2)
    async with database.begin() as tx:
        await tx.add_engine_call(first)
        await tx.add_engine_call(second)
        await tx.save_engine_call(replace(settled(first), session_id=other.id, created_at=NOW - timedelta(days=1)))

    async with database.read() as tx:
        assert [settled(first), second] == await tx.engine_calls(made.id)
        assert await tx.engine_calls(other.id) == []


async def test_saving_an_unknown_call_is_refused(database: Database):
    """C-25: said, not swallowed."""
    made = await stored(database)
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.save_engine_call(engine_call(made.id))


async def test_a_vendors_call_belongs_to_one_session(database: Database):
    """R-171: (engine, call id) is unique; the same id of another engine is another call."""
    made, other = await stored(database), await stored(database)
    async with database.begin() as tx:
        await tx.add_engine_call(engine_call(made.id))
        await tx.add_engine_call(engine_call(other.id, engine="gemini"))

    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.add_engine_call(engine_call(other.id))

    async with database.read() as tx:
        assert [engine_call(made.id)] == await tx.engine_calls(made.id)


@pytest.mark.parametrize("session_id", ["6f1e3c52-2f0b-4c1e-9a51-0d8f6f1e3c52", "", "../../etc/passwd"])
async def test_a_call_of_no_session_is_refused(database: Database, session_id: str):
    """R-171: no orphans."""
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.add_engine_call(engine_call(session_id))


async def test_unsettled_calls_are_this_engines_old_ones(database: Database):
    """R-055: what the sweeper asks the vendor about, oldest first."""
    made = await stored(database)
    old, older, young, done = (engine_call(made.id, n) for n in (2, 1, 3, 0))
    async with database.begin() as tx:
        for call in (old, older, young, done, engine_call(made.id, 1, engine="gemini")):
            await tx.add_engine_call(call)
        await tx.save_engine_call(settled(done))

    async with database.read() as tx:
        assert [older, old] == await tx.unsettled_calls("vapi", before=young.created_at)
        assert [older, old, young] == await tx.unsettled_calls("vapi", before=young.created_at + timedelta(microseconds=1))
        assert await tx.unsettled_calls("vapi", before=NOW) == []
        assert await tx.unsettled_calls("local", before=NOW + timedelta(days=1)) == []


async def test_a_call_goes_with_its_session(database: Database):
    """R-162: a session that is removed altogether leaves no call behind."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_engine_call(engine_call(made.id))
        await tx.connection.execute(tables.interview_sessions.delete())

    async with database.read() as tx:
        assert await tx.engine_call("vapi", "call-1") is None


async def test_a_call_without_an_id_is_refused(database: Database):
    """C-34: an empty id would be that of every webhook without a call, and a purge would empty them all."""
    made = await stored(database)
    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.add_engine_call(engine_call(made.id, id=""))


async def test_a_state_the_code_does_not_know_is_refused(database: Database):
    """R-171: the database's check is the domain's enum, no more and no less."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_engine_call(engine_call(made.id))
    for state in RecordingState:
        async with database.begin() as tx:
            await tx.save_engine_call(engine_call(made.id, recording=state))

    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.connection.execute(text("UPDATE engine_calls SET recording = 'nonsense'"))
