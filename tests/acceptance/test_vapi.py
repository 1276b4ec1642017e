"""Interviews through Vapi's strict stand-in: whole ones, and every way the upstream can fail (R-040…R-062, C-15…C-26, M2, F2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from web.standins.vapi import VapiStandin
from web.standins.vapi_faults import Faults

from .live import Caller, Server, running, spoken
from .test_rehearse import SETUP, Ran, needs_flite, prepkit

pytestmark = pytest.mark.timeout(400)
KEY = "test-key"
WORDS = [
    "I would keep a hash map of what I have seen so far and look each number up in constant time.",
    "The empty case is handled before the loop and duplicates are counted once.",
    "It takes linear time and linear space because every element is stored once.",
]
SECOND = bytes(32_000)


@asynccontextmanager
async def vapi_server(data_dir: Path, standin: VapiStandin, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours whose Vapi is the stand-in."""
    async with running(data_dir, vapi_api_key=KEY, vapi_base_url=standin.url, **settings) as server:
        yield server


async def answer(caller: Caller, seconds: int = 2) -> None:
    """Speak for a while and be quiet: what is said, the stand-in knows."""
    caller.say((await spoken(WORDS[0]))[: seconds * 32_000] + SECOND)


async def asked_or_ended(caller: Caller) -> str:
    """Whether a question or the end comes next."""
    wanted = ("question", "ended")
    message = await caller.noted(lambda m: m["type"] == "server-message" and m["data"]["type"] in wanted, seconds=90)
    return str(message["data"]["type"])


async def local_speaks(caller: Caller) -> None:
    """Returns once the second engine's voice is heard."""
    async with asyncio.timeout(12):
        while True:
            kinds = [m.get("data", {}).get("type") or m["type"] for m in caller.notes if m["type"] != "AUDIO"]
            if kinds.count("voices") > 1 and "bot-started-speaking" in kinds[len(kinds) - 1 - kinds[::-1].index("voices") :]:
                return
            await asyncio.sleep(0.1)


def engines(caller: Caller) -> list[str]:
    """Codes of the notices so far."""
    data = [m["data"] for m in caller.notes if m.get("type") == "server-message"]
    return [d["code"] for d in data if d["type"] == "notice"]


async def test_a_whole_interview_through_vapi(tmp_path: Path) -> None:
    """R-040…R-050, C-18: asked, answered, followed up and moved on by tool calls; transcript, recording, cost and report are ours."""
    async with VapiStandin(key=KEY, words=WORDS * 4) as standin, vapi_server(tmp_path, standin) as server:
        session_id = (await server.set_up(duration=10))["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            while await asked_or_ended(caller) == "question":
                await caller.noted(lambda m: m["type"] == "bot-stopped-speaking", seconds=60)
                await asyncio.sleep(1.0)
                await answer(caller)
            assert caller.has("ended")
        shown = await server.status(session_id, "completed", "partial", seconds=30)
        await standin.wait_for(lambda s: not s.calls[0].live, seconds=15)
        call = standin.calls[0]

        assert (shown["status"], shown["endReason"]) == ("completed", "finished")
        assert [1, 2, 3] == [segment["n"] for segment in shown["segments"]]
        assert all(segment["answer"] for segment in shown["segments"])
        assert [] == call.violations
        assert {"getFollowUpQuestion", "moveToNextQuestion"} <= {name_of(result) for result in call.tool_results}
        # The uplink kept the pace of the wall clock: as much audio as time.
        assert abs(call.uplink.audio_ms - call.uplink.wall_ms) < 2_000
        async with server.http.get(f"{server.url}/api/interviews/{session_id}/recording") as response:
            assert abs(len(await response.read()) - 44 - shown["duration"] * 64_000) < 3 * 64_000


def name_of(result: Any) -> str:
    """The tool of a recorded result, object or dict."""
    return result["name"] if isinstance(result, dict) else result.name


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "key"), (402, "credit"), (429, "minute"), (500, "order")],
)
async def test_a_refused_create_is_said_in_words_and_the_interview_goes_on(tmp_path: Path, status: int, words: str) -> None:
    """F2, M2: the candidate reads why, and the server's own voice asks the first question."""
    faults = Faults.model_validate({"create_status": status})
    async with VapiStandin(key=KEY, words=WORDS, faults=faults) as standin, vapi_server(tmp_path, standin) as server:
        session_id = (await server.set_up())["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            notice = await caller.told("notice", code="engine_changed")
            question = await caller.told("question")

            assert words in notice["message"]
            assert 1 == question["n"]
        events = await log_of(server, session_id)
        assert [("vapi", "local")] == [(e["from_engine"], e["to_engine"]) for e in events if "to_engine" in e]


async def test_a_slow_create_is_told_and_waited_for(tmp_path: Path) -> None:
    """F2: nobody looks at a silent page for ten seconds, and no second call is made."""
    faults = Faults(create_seconds=6.0)
    async with VapiStandin(key=KEY, words=WORDS, faults=faults) as standin, vapi_server(tmp_path, standin) as server:
        session_id = (await server.set_up())["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            await caller.told("notice", code="connecting")
            await caller.told("question")

        assert [] == [code for code in engines(caller) if code == "engine_changed"]
        assert 1 == len(standin.calls)


@pytest.mark.parametrize("fault", [{"reset_after": 3.0}, {"close_after": 3.0}, {"no_first_frame": True}, {"silent_after": 1.0}])
async def test_a_lost_upstream_hands_the_interview_over(tmp_path: Path, fault: dict[str, Any]) -> None:
    """F2: noticed within 5 s, told within 1 s, the same question goes on within 10 s, transcript and cursor kept."""
    faults = Faults.model_validate({"rejoin": False, **fault})
    async with VapiStandin(key=KEY, words=WORDS, faults=faults) as standin, vapi_server(tmp_path, standin) as server:
        session_id = (await server.set_up())["sessionId"]
        async with server.caller(*await server.start(session_id)) as caller:
            if "reset_after" in fault:
                await caller.told("question")
            if "silent_after" in fault:
                await asyncio.sleep(2.5)
                await answer(caller)
            await caller.told("notice", code="engine_changed", seconds=25)
            await local_speaks(caller)
            shown = await server.show(session_id)

        assert "in_progress" == shown["status"]
        assert len(shown["segments"]) <= 1
        assert 1 == len(standin.calls)


async def test_a_dropped_socket_is_joined_again(tmp_path: Path) -> None:
    """F2, vapi-protocol §2.5: once, at the same call, without leaving the engine."""
    faults = Faults(reset_after=3.0)
    async with (
        VapiStandin(key=KEY, words=WORDS, faults=faults) as standin,
        vapi_server(tmp_path, standin) as server,
        server.interview() as (_, caller),
    ):
        await caller.told("notice", code="reconnecting", seconds=15)
        standin.faults = Faults()
        await caller.told("notice", code="reconnected", seconds=10)
        await asyncio.sleep(2)

        assert "engine_changed" not in engines(caller)
        assert 1 == len(standin.calls)


async def test_the_call_outlives_the_candidates_connection(tmp_path: Path) -> None:
    """F3: the browser is gone, Vapi gets silence at the pace of the clock, and the same call goes on when it is back."""
    async with VapiStandin(key=KEY, words=WORDS) as standin, vapi_server(tmp_path, standin) as server:
        async with server.interview() as (session_id, _):
            pass
        await asyncio.sleep(3)
        frames = standin.calls[0].uplink.frames
        await asyncio.sleep(2)
        assert 80 < standin.calls[0].uplink.frames - frames < 120
        async with server.caller(*await server.start(session_id)) as caller:
            await caller.told("question")
            await caller.noted(lambda m: m["type"] == "bot-started-speaking", seconds=15)
        assert (1, True) == (len(standin.calls), standin.calls[0].live)


async def test_webhooks_are_kept_and_their_costs_booked(tmp_path: Path) -> None:
    """R-051…R-057, R-103: the candidate ends; Vapi's account comes by webhook and stands in the ledger beside the estimate."""
    async with VapiStandin(key=KEY, words=WORDS) as standin, vapi_server(tmp_path, standin) as server:
        async with server.interview() as (session_id, caller):
            await answer(caller)
            await caller.told("segment", seconds=30)
            await asyncio.sleep(4)
            await caller.verb("end")
            await caller.told("ended", seconds=60)
        async with asyncio.timeout(30):
            while len(lines := await rows(tmp_path, "SELECT kind, item FROM cost_entries")) < 2:
                await asyncio.sleep(0.5)
        assert ("estimate", "call") in lines
        assert ("actual", "call") in lines
        kept = {key for (key,) in await rows(tmp_path, "SELECT key FROM webhook_deliveries")}
        assert {"began", "ended", "report"} <= kept
        assert {200} == {webhook.status for webhook in standin.calls[0].webhooks}
        bodies = " ".join(body for (body,) in await rows(tmp_path, "SELECT body FROM webhook_deliveries"))
        assert KEY not in bodies
        assert "/transport" not in bodies
        assert (await server.show(session_id))["status"] in ("partial", "completed")


@needs_flite
async def test_a_rehearsal_through_vapi_ends_with_a_report(tmp_path: Path) -> None:
    """The candidate of `prepkit rehearse` speaks to the stand-in, which hears with the recogniser of this machine."""
    async with VapiStandin(key=KEY) as standin, vapi_server(tmp_path, standin) as server:
        ran: Ran = await prepkit(
            "rehearse", "--url", server.url, "--difficulty", "easy", "--duration", "5", "--questions", "3", "--json"
        )
        assert 0 == ran.code, ran.err
        assert ran.json["ok"]
        assert "javascript" == SETUP["type"]
        assert [] == standin.calls[0].violations


async def log_of(server: Server, session_id: str) -> list[dict[str, Any]]:
    """Data of the session's events."""
    found = await rows(server.data_dir, "SELECT data FROM session_events ORDER BY seq")
    return [json.loads(data) for (data,) in found]


async def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the server's database."""

    def read() -> list[tuple[Any, ...]]:
        import sqlite3

        connection = sqlite3.connect(f"file:{data_dir / 'prepkit.db'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return await asyncio.to_thread(read)
