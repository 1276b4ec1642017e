"""kill -9 at twenty points of report making: one current report each, none missing, nothing paid twice that was there (items 6 and “done when”)."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.domain.session import ReportStatus
from bridge.usecases.calling import REPORT_JOB
from storage.database import Database
from web.standins.gemini import GeminiStandin

from .conftest import Stored
from .samples import HALF, played

ROOT = Path(__file__).parents[2]
KILLS, EACH = 20, 4
INSTANTS = 20
"""Of about thirty in a whole report, so that most processes die in the middle of it."""
KILLED = -9
AT_ONCE = 6
"""Requests that may be under way, and so be lost, at a kill (`grading.AT_ONCE`)."""
LONG = "I would put a cache in front of the database. Then I shard the rows by a hash of their key, which spreads the load."


class Workers:
    """Processes one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def work(self, at: int, session_id: str) -> int:
        """One that dies at this instant, never for 0; its exit code."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{at} {session_id}\n".encode())
        async with asyncio.timeout(120):
            code = int(await stdout.readline())
        assert code in (0, KILLED)
        return code


@asynccontextmanager
async def workers(url: str, gemini: str) -> AsyncIterator[Workers]:
    """Ready to work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.reporting.report_process", url, gemini, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Workers(process)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.timeout(900)
async def test_killed_at_twenty_points(store: Database, stored: Stored) -> None:
    """Each interview's report is begun four times and killed at a random instant of it; the next process goes on from what is there."""
    chance = random.Random(20261128)
    url = store.url.render_as_string(hide_password=False)
    sessions: list[str] = []
    kills = 0
    async with GeminiStandin() as gemini, workers(url, gemini.url) as processes:
        while kills < KILLS:
            session_id = await stored(played(LONG, HALF))
            sessions.append(session_id)
            async with store.begin() as tx:
                await tx.enqueue(REPORT_JOB, session_id, {"sessionId": session_id})
            for _ in range(min(EACH, KILLS - kills)):
                kills += await processes.work(chance.randint(1, INSTANTS), session_id) == KILLED
            assert await processes.work(0, session_id) == 0
            assert len(sessions) <= KILLS, "the instants no longer fall inside the work"
        paid = len(gemini.requests)
    async with store.read() as tx:
        for session_id in sessions:
            versions = await tx.reports(session_id)
            assert [version.version for version in versions] == [1]
            assert versions[0].body["generatedBy"]["engine"] == "judge"
            session = await tx.session(session_id)
            assert session is not None
            assert session.report_status is ReportStatus.READY
            assert await tx.progress(session_id) is None
    needed = len(sessions) * (2 * 2 + 1)
    assert needed <= paid <= needed + KILLS * AT_ONCE
