"""Interviews through Gemini Live's strict stand-in, and every way the line can fail (R-040…R-050, M2, F2, F3, F7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from web.standins.gemini import GeminiStandin
from web.standins.gemini_session import LiveOptions

from .live import Caller, Server, running
from .test_vapi import WORDS, answer, asked_or_ended, engines, local_speaks, log_of

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


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "live-refuse"}, "key"),
        ({"kind": "live-close", "code": 1007}, "did not take the call"),
        ({"kind": "live-no-setup"}, "lost"),
        ({"kind": "live-silent"}, "lost"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_a_call_that_never_speaks_goes_on_here(tmp_path: Path, fault: dict[str, Any], words: str) -> None:
    """F7, M2: refused, broken, hanging or mute from the start: the candidate reads why, and the server's own voice asks the first question."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add(count=None, **fault)
        session_id = (await server.set_up())["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            notice = await caller.told("notice", code="engine_changed", seconds=25)
            question = await caller.told("question", seconds=25)
            await local_speaks(caller)
        events = await log_of(server, session_id)
        engine = (await server.call("GET", "/readyz"))["checks"]["engine"]
        async with server.http.get(server.url) as response:
            page = await response.text()

    # A key that is refused need not be refused three times.
    refused = fault["kind"] == "live-refuse"
    assert (["gemini"] if refused else []) == engine["failing"]
    assert refused == ("speaks with this server's own voice until it is back" in page)
    assert words in notice["message"]
    assert 1 == question["n"]
    assert [("gemini", "local")] == [(e["from_engine"], e["to_engine"]) for e in events if "to_engine" in e]
    if fault["kind"] in ("live-no-setup", "live-silent"):
        # No silence of more than three seconds without a word (a tick is a second).
        assert {"connecting", "one_moment"} & set(engines(caller))


async def test_a_dropped_line_is_resumed(tmp_path: Path) -> None:
    """F2, F7: told, dialled again by its handle, the same question goes on; nothing is asked twice of the cursor, nothing said is lost."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add("live-drop", seconds=22.0)
        async with server.interview(duration=10) as (session_id, caller):
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
            await answer(caller)
            await caller.told("notice", code="reconnecting", seconds=40)
            await caller.told("notice", code="reconnected", seconds=10)
            await caller.noted(lambda m: m["type"] == "bot-started-speaking", seconds=15)
            shown = await server.show(session_id)

        assert "engine_changed" not in engines(caller)
        assert [False, True] == [session.resumed for session in standin.live_sessions]
        assert WORDS[0] in shown["segments"][0]["answer"]


async def test_a_line_that_drops_in_the_middle_of_a_sentence_is_had_again_and_heard(tmp_path: Path) -> None:
    """F2, F7: what had come of the sentence and was not played yet is dropped with its line, so that the next one's voice is heard at once, and known as heard."""
    async with gemini(live=LiveOptions(send_speed=10)) as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add("live-drop", seconds=2.0)
        async with server.interview(duration=10) as (session_id, caller):
            await caller.told("notice", code="reconnecting", seconds=15)
            await caller.told("notice", code="reconnected", seconds=10)
            await caller.noted(lambda m: m["type"] == "bot-started-speaking", seconds=5)
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=30)
            said = await server.turns(session_id, "interviewer")

        assert [False, True] == [session.resumed for session in standin.live_sessions]
        assert caller.has("flush-audio")
        first, second = (turn["text"] for turn in said)
        assert standin.live_sessions[0].said[0].startswith(first)
        assert second == standin.live_sessions[1].said[0] != first
        assert "engine_changed" not in engines(caller)


async def test_a_line_that_cannot_be_had_again_hands_over(tmp_path: Path) -> None:
    """F2, F7: within ten seconds of the drop the interview goes on here, at the same question, with what was said."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add("live-drop", seconds=24.0)
        async with server.interview(duration=10) as (session_id, caller):
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
            await answer(caller)
            await standin.wait_for(lambda s: s.live_sessions[0].heard, seconds=20)
            standin.faults.add("live-refuse", count=None)
            await caller.told("notice", code="reconnecting", seconds=40)
            await caller.told("notice", code="engine_changed", seconds=10)
            await local_speaks(caller)
            shown = await server.show(session_id)

        assert ("in_progress", 1) == (shown["status"], len(shown["segments"]))
        assert WORDS[0] in shown["segments"][0]["answer"]


async def test_a_session_that_must_move_is_moved_in_a_pause(tmp_path: Path) -> None:
    """Gemini ends connections after ten minutes: on goAway the same session goes on elsewhere, and nobody notices."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add("live-go-away", seconds=2.0, time_left=40.0)
        async with server.interview(duration=10) as (_, caller):
            await standin.wait_for(lambda s: len(s.live_sessions) == 2 and s.live_sessions[1].setup, seconds=60)
            await answer(caller)
            await caller.told("question", seconds=30)

        assert [False, True] == [session.resumed for session in standin.live_sessions]
        assert [] == engines(caller)


async def test_the_session_outlives_the_candidates_connection(tmp_path: Path) -> None:
    """F3: the browser is gone and the line is closed; when it is back the same session goes on by its handle."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        async with server.interview(duration=10) as (session_id, caller):
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
        await server.status(session_id, "interrupted")
        async with server.caller(*await server.start(session_id)) as caller:
            await caller.told("question")
            await caller.noted(lambda m: m["type"] == "bot-started-speaking", seconds=15)

        assert [False, True] == [session.resumed for session in standin.live_sessions]


async def test_typed_answers_and_buttons(tmp_path: Path) -> None:
    """R-063, R-065, C-38: a typed answer is followed up, next moves on, end says goodbye and ends."""
    async with gemini() as standin, gemini_server(tmp_path, standin) as server:
        async with server.interview(duration=10) as (session_id, caller):
            await caller.verb("text", text="I would keep a hash map and look each number up in constant time.")
            assert 0 < (await caller.told("question", seconds=30))["followUp"]
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
            await caller.verb("next")
            assert 2 == (await caller.told("question", seconds=30))["n"]
            await caller.verb("end")
            await caller.told("ended", seconds=60)
        shown = await server.status(session_id, "partial", "completed", seconds=30)

        assert "ended_by_candidate" == shown["endReason"]
