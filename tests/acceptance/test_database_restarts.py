"""PostgreSQL is killed under live calls: nobody is cut off, nothing that was said is lost (F11)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import PostgresServer, own_server

from .live import Caller, running

__all__ = ["own_server"]  # a fixture
pytestmark = pytest.mark.timeout(300)
CALLS, CUTS = 5, 3
BACK_SECONDS = 5.0
AWAY_SECONDS = 2.5
"""Longer than any part of the server waits between two looks at the database."""
SETUP: dict[str, Any] = {"type": "javascript", "duration": 20, "questionCount": 10, "difficulty": "medium"}


@dataclass
class Held:
    """One call, and what its candidate said in it."""

    session_id: str
    caller: Caller
    said: list[str] = field(default_factory=list)

    async def say(self, what: str) -> float:
        """Type an answer and wait until the server has it; when that was."""
        line = f"Answer {what}: I would measure first, then keep what is asked for most in memory."
        answer = await self.caller.verb("text", text=line)
        assert answer["type"] == "server-response", answer
        self.said.append(line)
        return time.monotonic()


async def held_through(server: PostgresServer, folder: Path, *, calls: int, pauses: list[float]) -> list[float]:
    """Hold calls while the database is killed after each of these seconds; how long each time until every call had stored its next turn."""
    back: list[float] = []
    async with running(folder, database_url=server.url(server.create()), max_calls=calls) as up:
        async with asyncio.TaskGroup() as group:
            over = asyncio.Event()
            ready: asyncio.Queue[Held] = asyncio.Queue()

            async def hold() -> None:
                async with up.interview(**SETUP) as (session_id, caller):
                    ready.put_nowait(Held(session_id, caller))
                    await over.wait()

            for _ in range(calls):
                group.create_task(hold())
            held = [await ready.get() for _ in range(calls)]
            for cut, pause in enumerate(pauses):
                await asyncio.sleep(pause)
                restart = asyncio.create_task(asyncio.to_thread(server.restart, away_seconds=AWAY_SECONDS))
                during = asyncio.gather(*(call.say(f"{cut} during") for call in held))
                await restart
                up_again = time.monotonic()
                stored = await during
                after = await asyncio.gather(*(call.say(f"{cut} after") for call in held))
                back.append(max(0.0, *stored, *after) - up_again)
            dropped = [call.session_id for call in held if call.caller.ws.closed or call.caller.has("CLOSED")]
            assert dropped == []
            for call in held:
                await up.call("POST", f"/api/interviews/{call.session_id}/complete", {}, status=202)
            assert {await call.caller.closed() for call in held} == {1000}
            over.set()
        for call in held:
            shown = await up.status(call.session_id, "completed", "partial", seconds=60)
            texts = [turn["text"] for turn in shown["transcript"] if turn["speaker"] == "candidate"]
            assert [(" ".join(texts).count(line), line) for line in call.said] == [(1, line) for line in call.said]
    return back


async def test_live_calls_outlive_a_database_that_is_killed(own_server: PostgresServer, tmp_path: Path) -> None:
    """F11: five typed calls, three `-m immediate` restarts: calls dropped 0, turns lost or doubled 0, back within five seconds, no watcher dead."""
    back = await held_through(own_server, tmp_path, calls=CALLS, pauses=[1.0] * CUTS)

    assert len(back) == CUTS
    assert max(back) <= BACK_SECONDS
