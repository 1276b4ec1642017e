"""Gemini's REST side fails in every way the stand-in knows while a typed interview goes on (F7): prepared follow-ups in time, and Gemini's again once it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bridge.domain import breaker
from bridge.domain.events import QuestionAsked, ToolAnswered
from bridge.usecases.conducting import FOLLOW_UP
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind

from .live import ANSWER, Caller, Server
from .test_gemini_live import KEY, gemini_server
from .test_gemini_whole import TOOL_MS, events_of, minds, report_of
from .test_vapi import rows

pytestmark = pytest.mark.timeout(400)
FAULTS: dict[Kind, dict[str, Any]] = {
    Kind.QUOTA: {"retry_info": False},
    Kind.INTERNAL: {},
    Kind.UNAVAILABLE: {},
    Kind.HANG: {"seconds": 30.0},
    Kind.RESET: {},
    Kind.CUT: {},
    Kind.WRONG_SCHEMA: {},
    Kind.EMPTY: {},
    Kind.SAFETY: {},
    Kind.MAX_TOKENS: {},
    Kind.HUGE: {},
}
PURPOSE = "follow-up"


async def answers_of(server: Server, session_id: str) -> list[ToolAnswered]:
    """Who answered what was to be asked next, and how fast: as the server's log has it."""
    return [e for e in await events_of(server, session_id) if isinstance(e, ToolAnswered) and e.tool == FOLLOW_UP]


async def followed_up(caller: Caller, n: int) -> dict[str, Any]:
    """Answer by keyboard; the follow-up that is asked then."""
    await caller.verb("text", text=ANSWER)
    asked = await caller.told("question", seconds=30)
    assert (n, True) == (asked["n"], asked["followUp"] > 0)
    return asked


async def test_every_fault_costs_a_follow_up_of_geminis_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: one interview, a fault for every answer: each is followed up from the plan, in time; Gemini's own comes with the first answer after; the report invents nothing."""
    # So that each fault strikes, however many came before.
    monkeypatch.setattr(breaker, "THRESHOLD", 1_000)
    async with GeminiStandin(key=KEY, brain=minds()) as standin, gemini_server(tmp_path, standin, voice_engine="local") as server:
        session_ids, left = [], list(FAULTS.items())
        while left:
            now, left = left[:9], left[9:]
            count = max(3, len(now) + 1)
            async with server.interview(difficulty="medium", duration=20, questionCount=count) as (session_id, caller):
                session_ids.append(session_id)
                for n, (kind, fields) in enumerate(now, 1):
                    standin.faults.clear()
                    fault = standin.faults.add(kind, purpose=PURPOSE, count=None, **fields)
                    await followed_up(caller, n)
                    assert fault.struck
                    await caller.verb("next")
                    await caller.told("question", n=n + 1, followUp=0, seconds=30)
                standin.faults.clear()
                await followed_up(caller, len(now) + 1)
                standin.faults.add(Kind.SAFETY, purpose="grading", count=None)
                await caller.verb("end")
                await caller.told("ended", seconds=60)
            shown = await server.status(session_id, "completed", "partial", seconds=60)
            answers = await answers_of(server, session_id)
            asked = [e for e in await events_of(server, session_id) if isinstance(e, QuestionAsked) and e.follow_up]
            report = await report_of(server, session_id)

            assert "ended_by_candidate" == shown["endReason"]
            assert [*["prepared"] * len(now), "model"] == [answer.source for answer in answers]
            assert [TOOL_MS] * len(answers) == [max(TOOL_MS, answer.took_ms) for answer in answers]
            assert [answer.result["followUpQuestion"] for answer in answers] == [event.text for event in asked]
            assert [answer.source for answer in answers] == [event.source for event in asked]
            assert ("coverage", True) == (report["generatedBy"]["engine"], bool(report["grading"]["note"]))
            assert 0 != report["overallScore"]
        reports = await rows(tmp_path, "SELECT session_id FROM interview_reports")

    assert sorted(UUID(session_id).hex for session_id in session_ids) == sorted(session_id for (session_id,) in reports)


@pytest.mark.parametrize(
    ("kind", "fields", "failures"), [(Kind.QUOTA, {"retry_after": 1.0}, 1), (Kind.UNAVAILABLE, {}, 3)], ids=["429", "503"]
)
async def test_gemini_is_left_alone_for_a_while_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, fields: dict[str, Any], failures: int
) -> None:
    """F7: the pause it asks for, or three failures in a row: nobody waits for it any more, `/readyz` says so; then one call tries it, and all is as before."""
    monkeypatch.setattr(breaker, "FIRST_PAUSE_SECONDS", 1.0)
    async with (
        GeminiStandin(key=KEY, brain=minds()) as standin,
        gemini_server(tmp_path, standin, voice_engine="local") as server,
        server.interview(difficulty="medium", duration=20, questionCount=6) as (session_id, caller),
    ):
        fault = standin.faults.add(kind, purpose=PURPOSE, count=None, **fields)
        n = 1
        while (await server.call("GET", "/readyz"))["checks"]["model"]["ok"]:
            assert n <= failures
            await followed_up(caller, n)
            await caller.verb("next")
            n += 1
            await caller.told("question", n=n, followUp=0, seconds=30)
        down = await server.call("GET", "/readyz")
        standin.faults.clear()
        assert fault.struck
        await asyncio.sleep(1.1)
        await followed_up(caller, n)
        up = await server.call("GET", "/readyz")
        answers = await answers_of(server, session_id)

    assert (True, False, ["live"]) == (down["ready"], down["checks"]["model"]["ok"], down["checks"]["model"]["failing"])
    assert up["checks"]["model"]["ok"]
    assert [*["prepared"] * (n - 1), "model"] == [answer.source for answer in answers]
    assert all(answer.took_ms <= TOOL_MS for answer in answers)
