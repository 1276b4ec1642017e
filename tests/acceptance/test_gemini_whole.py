"""Whole interviews with Gemini: its questions, its follow-ups, its voice or another's; and what an operator and a lost vendor do to them (issue 4, M2, M7, F7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bridge.domain.events import Event, Noted, QuestionAsked, Speaker, ToolAnswered, TurnRecorded, from_json
from bridge.domain.persona import MARK
from bridge.usecases.conducting import FOLLOW_UP
from pipeline.engines.windows import GAP_MS
from web.standins import follow_up_writer, question_writer
from web.standins.gemini import GeminiStandin
from web.standins.gemini_interviewer import Act, ScriptedInterviewer
from web.standins.gemini_minds import StandinBrain
from web.standins.gemini_session import LiveOptions
from web.standins.vapi import VapiStandin

from .live import ANSWER, Caller, Server
from .test_gemini_live import KEY, gemini, gemini_server, hold
from .test_vapi import WORDS, answer, asked_or_ended, engines, log_of, rows

pytestmark = pytest.mark.timeout(400)
TOOL_MS = 2_600
"""F7: a tool call is answered within."""
SILENCE_MS = 3_000
"""F7: a silence of ours longer than this is told."""


def minds() -> StandinBrain:
    """Writes questions and follow-ups as a good model would."""
    writes = StandinBrain().when(question_writer.write, purpose="questions")
    return writes.when(follow_up_writer.write, purpose="follow-up")


async def events_of(server: Server, session_id: str) -> list[Event]:
    """The session's log."""
    chosen = f"session_id = '{UUID(session_id).hex}'"
    stored = await rows(server.data_dir, f"SELECT kind, at_ms, data FROM session_events WHERE {chosen} ORDER BY seq")
    return [from_json(kind, at_ms, json.loads(data)) for kind, at_ms, data in stored]


async def report_of(server: Server, session_id: str) -> dict[str, Any]:
    """The report, once it is made."""
    async with asyncio.timeout(60):
        while True:
            async with server.http.get(f"{server.url}/api/interviews/{session_id}/report") as response:
                body: dict[str, Any] = await response.json()
                if response.status != 202:
                    assert 200 == response.status, body
                    return body
            await asyncio.sleep(0.1)


async def judge_the_whole(server: Server, made: dict[str, Any], caller: Caller, voice: str) -> None:
    """What holds of every finished interview, whoever spoke: asked what Gemini wrote, followed up in time and by whom is known, paired, reported, paid for."""
    session_id = made["sessionId"]
    shown = await server.status(session_id, "completed", seconds=60)
    events = await events_of(server, session_id)

    assert ("gemini", "finished") == (made["questionsFrom"], shown["endReason"])
    asked = [event for event in events if isinstance(event, QuestionAsked)]
    assert [question["text"] for question in shown["questions"]] == [event.text for event in asked if not event.follow_up]
    assert all(event.question_id.startswith("gm-") for event in asked)

    calls = [event for event in events if isinstance(event, ToolAnswered)]
    follow_ups = {event.result["followUpQuestion"]: event.source for event in calls if event.result.get("followUpQuestion")}
    assert {event.source for event in calls if event.tool == FOLLOW_UP} <= {"memory", "model", "prepared"}
    assert max(event.took_ms for event in calls) <= TOOL_MS
    heard = [event for event in asked if event.follow_up]
    assert [follow_ups[event.text] for event in heard] == [event.source for event in heard]
    of_gemini = [event.text for event in heard if event.source in ("memory", "model")]
    assert of_gemini
    assert set(of_gemini) <= set(follow_up_writer.QUESTIONS)
    told = [m["data"] for m in caller.notes if m.get("type") == "server-message" and m["data"]["type"] == "question"]
    assert [event.text for event in asked] == [data["text"] for data in told]

    assert [1, 2, 3] == [segment["n"] for segment in shown["segments"]]
    answered = {event.question_id for event in events if isinstance(event, TurnRecorded) and event.speaker is Speaker.CANDIDATE}
    assert [question["id"] in answered for question in shown["questions"]] == [bool(s["answer"]) for s in shown["segments"]]
    assert shown["segments"][0]["answer"]
    report = await report_of(server, session_id)
    assert "judge" == report["generatedBy"]["engine"]
    items = {item for (item,) in await rows(server.data_dir, "SELECT item FROM cost_entries")}
    assert {"questions input", "questions output", "live input", "live output", "report input", "report output"} <= items
    if voice:
        assert voice in items
    quiet = silences(events)
    assert max(quiet) <= SILENCE_MS, quiet
    assert "engine_changed" not in engines(caller)


def silences(events: Sequence[Event]) -> list[int]:
    """For every tool call, the time from its coming until something more of the interviewer is heard or the candidate is told to wait."""
    heard = {
        event.turn_id: (event.start_ms, event.end_ms)
        for event in events
        if isinstance(event, TurnRecorded) and event.speaker is Speaker.INTERVIEWER
    }
    signs = [*heard.values(), *((event.at_ms, event.at_ms + GAP_MS) for event in events if isinstance(event, Noted))]
    came = [event.at_ms - event.took_ms for event in events if isinstance(event, ToolAnswered)]
    # What ends sooner is the rest of the line before; a pause within a stretch of speech is shorter by definition.
    return [min(max(0, start - at_ms) for start, end in signs if end >= at_ms + GAP_MS) for at_ms in came]


async def test_a_typed_interview_here_is_written_and_followed_up_by_gemini(tmp_path: Path) -> None:
    """Issue 4, R-030, R-045: no voice vendor at all: questions and follow-ups are Gemini's, and its tokens are on the interview."""
    async with GeminiStandin(key=KEY, brain=minds()) as standin, gemini_server(tmp_path, standin, voice_engine="local") as server:
        made = await server.set_up(duration=10)
        async with server.caller(*await server.start(made["sessionId"])) as caller:
            while await asked_or_ended(caller) == "question":
                await caller.verb("text", text=ANSWER)
        await judge_the_whole(server, made, caller, "")

    assert [] == standin.live_sessions


async def test_gemini_speaks_what_gemini_has_written(tmp_path: Path) -> None:
    """Issue 4, R-040…R-050: one key: asked, answered, followed up and moved on by tool calls of Gemini Live; the recording is as long as the call."""
    async with gemini(brain=minds()) as standin, gemini_server(tmp_path, standin) as server:
        made = await server.set_up(duration=10)
        async with server.caller(*await server.start(made["sessionId"])) as caller:
            await hold(caller)
        await judge_the_whole(server, made, caller, "voice audio out")
        shown = await server.show(made["sessionId"])
        live = standin.live_sessions[0]
        async with server.http.get(f"{server.url}/api/interviews/{made['sessionId']}/recording") as response:
            assert abs(len(await response.read()) - 44 - shown["duration"] * 64_000) < 3 * 64_000

    assert {"getFollowUpQuestion", "moveToNextQuestion"} <= {use.name for use in live.tools}
    assert all(use.response for use in live.tools)
    assert all(segment["answer"] for segment in shown["segments"])
    said = " ".join(turn["text"] for turn in shown["transcript"] if turn["speaker"] == "interviewer")
    assert all(line in said for line in live.said)


async def test_vapis_interviewer_asks_what_gemini_thought_of(tmp_path: Path) -> None:
    """Issue 4, R-045, C-18: both stand-ins at once: Vapi speaks and calls the tools, Gemini has judged the answer meanwhile."""
    async with (
        VapiStandin(key=KEY, words=WORDS * 4) as vapi,
        GeminiStandin(key=KEY, brain=minds()) as standin,
        gemini_server(tmp_path, standin, vapi_api_key=KEY, vapi_base_url=vapi.url) as server,
    ):
        made = await server.set_up(duration=10)
        async with server.caller(*await server.start(made["sessionId"])) as caller:
            await caller.told("question", n=1, seconds=60)
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
            await answer(caller)
            assert 1 == (await caller.told("question", seconds=60))["followUp"]
            for n in (2, 3):
                await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
                await caller.verb("next")
                await caller.told("question", n=n, seconds=60)
            await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
            await caller.verb("next")
            await caller.told("ended", seconds=60)
        await judge_the_whole(server, made, caller, "call")

    assert [] == vapi.calls[0].violations
    assert [] == engines(caller)
    assert [] == standin.live_sessions


async def test_gemini_goes_on_where_vapi_was_lost_and_an_operator_helps(tmp_path: Path) -> None:
    """M2, F2, M7: the same question, what was said, the time that is left; then more time, a line, a note for the interviewer alone, and the end."""
    line, note = "Take all the time you need.", "Be a little kinder, please"
    async with (
        VapiStandin(key=KEY, words=WORDS * 4) as vapi,
        gemini() as standin,
        gemini_server(tmp_path, standin, vapi_api_key=KEY, vapi_base_url=vapi.url) as server,
        server.interview(duration=10) as (session_id, caller),
    ):
        await caller.verb("text", text=ANSWER)
        assert 0 < (await caller.told("question", seconds=30))["followUp"]
        await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
        await caller.verb("next")
        second = await caller.told("question", n=2, seconds=30)
        before = await caller.told("clock")
        await vapi.inject(rejoin=False, reset_after=0.1)
        await caller.told("notice", code="engine_changed", seconds=25)
        after = await caller.told("clock")
        await standin.wait_for(lambda s: s.live_sessions and s.live_sessions[0].said, seconds=20)
        await caller.noted(lambda m: m["type"] == "bot-started-speaking", seconds=15)
        await caller.verb("text", text=ANSWER)
        following = await caller.told("question", seconds=30)
        shown = await server.show(session_id)
        events = await log_of(server, session_id)
        live = standin.live_sessions[0]

        async def act(name: str, status: int = 200, **body: Any) -> None:
            await server.call("POST", f"/api/operator/calls/{session_id}/{name}", body, status=status)

        await act("extend", minutes=7)
        await caller.told("clock", total=17 * 60)
        await act("say", text=line)
        await standin.wait_for(lambda _: line in live.said)
        await caller.told("turn", speaker="interviewer", text=line, seconds=30)
        await act("whisper", text=note)
        await standin.wait_for(lambda _: any(note in heard for heard in live.heard))
        await act("end", 202)
        ended = await caller.told("ended", seconds=60)
        stored = " ".join(text for (text,) in await rows(tmp_path, "SELECT text FROM turns"))

    assert [("vapi", "gemini")] == [(e["from_engine"], e["to_engine"]) for e in events if "to_engine" in e]
    assert (2, True) == (following["n"], following["followUp"] > 0)
    assert ("in_progress", [1, 2]) == (shown["status"], [segment["n"] for segment in shown["segments"]])
    assert [ANSWER, ANSWER] == [segment["answer"] for segment in shown["segments"]]
    assert (before["total"], True) == (after["total"], 0 <= after["elapsed"] - before["elapsed"] < 15)
    assert live.setup is not None
    assert second["text"] in live.setup.system
    assert shown["questions"][0]["text"] not in live.setup.system
    assert "ended_by_operator" == ended["reason"]
    assert not any(note in str(m) for m in caller.notes)
    assert note not in stored


class Deaf(ScriptedInterviewer):
    """Answers the director, and nobody who speaks or types."""

    def heard(self, text: str) -> Sequence[Act]:
        """Nothing, where it is not the director."""
        return super().heard(text) if text.startswith(MARK) else []


async def test_broken_frames_refused_handles_and_silence_cost_a_moment(tmp_path: Path) -> None:
    """F7: what is no JSON ends the line; its session cannot be resumed; a new one goes on. An answer it lets pass is followed all the same, and told."""
    async with gemini(live=LiveOptions(interviewer=Deaf)) as standin, gemini_server(tmp_path, standin) as server:
        standin.faults.add("live-malformed", seconds=4.0)
        standin.faults.add("live-no-resume")
        async with server.interview(duration=10) as (session_id, caller):
            await caller.told("notice", code="reconnecting", seconds=30)
            await caller.told("notice", code="reconnected", seconds=15)
            await standin.wait_for(lambda s: len(s.live_sessions) == 3 and s.live_sessions[2].turns, seconds=60)
            await caller.verb("text", text=ANSWER)
            await caller.told("notice", code="one_moment", seconds=15)
            question = await caller.told("question", seconds=15)
            shown = await server.show(session_id)

    assert [False, False, False] == [session.resumed for session in standin.live_sessions]
    assert (1, True) == (question["n"], question["followUp"] > 0)
    assert ANSWER in shown["segments"][0]["answer"]
    assert "engine_changed" not in engines(caller)
