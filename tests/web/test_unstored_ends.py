"""A call ends while the database takes nothing: its place is free all the same, and its end is stored when it can be (F9, F10)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bridge.wire.candidate import CLOSE_FINISHED, CLOSE_RESTARTING
from tests.acceptance.live import Caller, Server
from web import app as web_app
from web.keys import SUPERVISOR

from .house import AGREED, House, running, until_none

FULL = """CREATE TRIGGER full BEFORE UPDATE OF status ON interview_sessions WHEN NEW.status NOT IN ('initiated', 'in_progress')
BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"""
"""How a leg ended cannot be stored; everything else can."""
ANSWER = "I keep what I saw in a hash map, so that each look up is constant time."
SECONDS = 20


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A server of its own, since its database is broken; it sweeps as often as its test says."""
    monkeypatch.setattr(web_app, "SWEEP_SECONDS", request.param)
    async with running(tmp_path) as up:
        yield up


async def do(house: House, statement: str) -> None:
    """Change the database behind the server's back."""

    def run() -> None:
        with closing(sqlite3.connect(house.data_dir / "prepkit.db", timeout=10)) as connection:
            connection.execute(statement)
            connection.commit()

    await asyncio.to_thread(run)


@asynccontextmanager
async def call(house: House) -> AsyncIterator[tuple[str, Server, Caller]]:
    """An interview in which one answer was typed, and then the disk is full."""
    made = await house.set_up(duration=15, questionCount=3, difficulty="medium")
    session_id = made["sessionId"]
    _, begun = await house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED)
    async with aiohttp.ClientSession() as http:
        server = Server(house.origin, house.data_dir, http)
        async with server.caller(begun["bridgeUrl"], begun["token"]) as caller:
            await caller.told("question", seconds=SECONDS)
            await caller.verb("text", text=ANSWER)
            await do(house, FULL)
            yield session_id, server, caller


async def until_free(house: House) -> None:
    """Until the call's place is free, though its end is not stored."""

    async def taken() -> int:
        return house.app[SUPERVISOR].count

    await until_none(taken, SECONDS)


async def newest_ticket(caller: Caller, server: Server, session_id: str) -> tuple[str, str]:
    """Where a page that was cut off connects again."""
    tokens = [note["data"]["token"] for note in caller.notes if note.get("data", {}).get("type") == "resume"]
    return f"{server.url}/ws/interviews/{session_id}".replace("http", "ws", 1), tokens[-1]


@pytest.mark.parametrize("house", [3600], indirect=True)
async def test_who_comes_back_hears_that_the_interview_is_over(house: House) -> None:
    """The page is told to try again; when the disk has room the try ends as the interview would have, with a report."""
    async with call(house) as (session_id, server, caller):
        await caller.verb("end")
        assert await caller.closed(SECONDS) == CLOSE_RESTARTING
        assert not caller.has("ended")
        await until_free(house)
        assert (await server.show(session_id))["status"] == "in_progress"
        await do(house, "DROP TRIGGER full")
        async with server.caller(*await newest_ticket(caller, server, session_id)) as again:
            await again.told("ended", seconds=SECONDS, reason="ended_by_candidate")
            assert await again.closed(SECONDS) == CLOSE_FINISHED
        shown = await server.status(session_id, "partial")

    assert ANSWER in [turn["text"] for turn in shown["transcript"]]


@pytest.mark.parametrize("house", [0.2], indirect=True)
async def test_what_nobody_comes_back_to_is_stored_all_the_same(house: House) -> None:
    """The end of a page that is gone is stored by the sweep, so that the interview can be resumed: for as long from then on as from any other end."""
    async with call(house) as (session_id, server, caller):
        await caller.ws.close()
        await until_free(house)
        assert (await server.show(session_id))["status"] == "in_progress"
        before = datetime.now(UTC)
        await do(house, "DROP TRIGGER full")
        await server.status(session_id, "interrupted", seconds=SECONDS)
        async with house.store.read() as tx:
            session = await tx.session(session_id)
        assert session is not None
        assert session.interrupted_at is not None
        assert session.interrupted_at >= before
        async with server.caller(*await newest_ticket(caller, server, session_id)) as again:
            await again.told("question", seconds=SECONDS)
            await again.verb("end")
            assert await again.closed(SECONDS) == CLOSE_FINISHED
