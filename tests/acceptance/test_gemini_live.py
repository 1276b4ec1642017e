"""Interviews through Gemini Live's strict stand-in: whole ones, and every way the line can fail (R-040…R-050, M2, F2, F3, F7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from web.standins.gemini import GeminiStandin

from .live import Caller, Server, running
from .test_vapi import WORDS, answer, asked_or_ended, rows

pytestmark = pytest.mark.timeout(400)
KEY = "test-key"


@asynccontextmanager
async def gemini_server(data_dir: Path, standin: GeminiStandin, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours whose Gemini is the stand-in."""
    async with running(data_dir, gemini_api_key=KEY, gemini_base_url=standin.url, **settings) as server:
        yield server


def gemini(**options: Any) -> GeminiStandin:
    """A stand-in that knows what the candidate says."""
    return GeminiStandin(key=KEY, words=options.pop("words", WORDS * 6), recogniser=False, **options)


async def hold(caller: Caller) -> None:
    """Answer every question until the interview is over."""
    while await asked_or_ended(caller) == "question":
        await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
        await asyncio.sleep(0.5)
        await answer(caller)
    assert caller.has("ended")


async def test_a_whole_interview_through_gemini_live(tmp_path: Path) -> None:
    """R-040…R-050: asked, answered, followed up and moved on by tool calls; transcript, recording, cost and report are ours."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        session_id = (await server.set_up(duration=10))["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            await hold(caller)
        shown = await server.status(session_id, "completed", "partial", seconds=30)
        live = standin.live_sessions[0]

        assert ("completed", "finished") == (shown["status"], shown["endReason"])
        assert [1, 2, 3] == [segment["n"] for segment in shown["segments"]]
        assert all(segment["answer"] for segment in shown["segments"])
        assert {"getFollowUpQuestion", "moveToNextQuestion"} <= {use.name for use in live.tools}
        assert all(use.response for use in live.tools)
        said = " ".join(turn["text"] for turn in shown["transcript"] if turn["speaker"] == "interviewer")
        assert all(line in said for line in live.said)
        async with server.http.get(f"{server.url}/api/interviews/{session_id}/recording") as response:
            assert abs(len(await response.read()) - 44 - shown["duration"] * 64_000) < 3 * 64_000
        booked = dict(await rows(tmp_path, "SELECT item, sum(amount_micros) FROM cost_entries GROUP BY item"))
        assert booked["voice audio in"] > 0
        assert booked["voice audio out"] > 0
