"""A backup of a server that holds calls, put back on another machine (F16)."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import aiohttp
import pytest

from bridge.config import Settings
from web.commands import backup

from .conftest import StartServer
from .live import ANSWER, Caller, Server

pytestmark = pytest.mark.timeout(300)
CALLS = 5
APPENDED = ("session_events", "turns", "consents")
"""Tables whose rows never change."""


def rows_of(file: Path) -> dict[str, set[str]]:
    """Every row of every table, as text, and whether the file is sound."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {repr(row) for row in connection.execute(f'SELECT * FROM "{name}"')} for name in names}


async def test_a_backup_of_five_live_calls_restores_to_equal_rows(server: StartServer, tmp_path: Path) -> None:
    """F16: made while five candidates answer, it holds every turn acknowledged before it began, has the rows it names, and a second server goes on from it."""
    house = await server(PREPKIT_RECOGNISER="none", PREPKIT_MAX_CALLS="10")
    archive, elsewhere = tmp_path / "b.tar", tmp_path / "elsewhere"
    async with aiohttp.ClientSession() as http, AsyncExitStack() as calls:
        there = Server(house.url, house.data_dir, http)
        ids = [(await there.set_up())["sessionId"] for _ in range(CALLS)]

        async def join(session_id: str) -> Caller:
            caller = await calls.enter_async_context(there.caller(*await there.start(session_id)))
            await caller.told("question", 60)
            return caller

        callers = [await join(session_id) for session_id in ids]
        for caller in callers:
            await caller.verb("text", text=f"{ANSWER} Before.")
        for session_id in ids:
            async with asyncio.timeout(60):
                while not await there.turns(session_id):
                    await asyncio.sleep(0.1)

        before = rows_of(house.data_dir / "prepkit.db")
        making = asyncio.create_task(
            asyncio.to_thread(backup.make, Settings(data_dir=house.data_dir), archive, os.environ, keys=True)
        )
        meanwhile = 0
        while not making.done():
            if meanwhile < CALLS:
                await callers[meanwhile].verb("text", text=f"{ANSWER} Meanwhile.")
                meanwhile += 1
            await asyncio.wait({making}, timeout=0.05)
        made = await making
        after = rows_of(house.data_dir / "prepkit.db")
        assert [(await there.show(session_id))["status"] for session_id in ids] == ["in_progress"] * CALLS

    restored = await backup.restore(Settings(data_dir=elsewhere), archive, os.environ, replace=False)

    assert restored.rows == made.rows
    assert made.rows["interview_sessions"] == CALLS
    copied = rows_of(elsewhere / "prepkit.db")
    assert {name: len(rows) for name, rows in copied.items()} == made.rows
    for name in APPENDED:
        assert before[name] <= copied[name] <= after[name]
    assert len(copied["session_events"]) >= CALLS
    await house.kill()
    again = await server(PREPKIT_DATA_DIR=str(elsewhere), PREPKIT_RECOGNISER="none")
    async with aiohttp.ClientSession() as http:
        here = Server(again.url, elsewhere, http)
        for session_id in ids:
            assert f"{ANSWER} Before." in [turn["text"] for turn in await here.turns(session_id)]
            shown = await here.show(session_id)
            assert shown["status"] in ("interrupted", "in_progress")
        url, token = await here.start(ids[0])
        async with here.caller(url, token) as caller:
            await caller.told("question", 60)
