"""The Vapi stand-in's REST: doors, create, list, show, recordings and live control (vapi-protocol §1, §3)."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import numpy as np
import pytest

from web.standins.vapi import VapiStandin

from .vapi_client import AGENT, HEADERS, KEY, body, bridge, call, create, example, faults, joined, lacks, vapi


async def ask(
    standin: VapiStandin, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
) -> tuple[int, Any]:
    """Status and body (JSON where it is) of one request, redirects not followed."""
    skipped = ["User-Agent"] if headers is not None and "User-Agent" not in headers else []
    async with aiohttp.ClientSession(skip_auto_headers=skipped) as http:
        options = {"allow_redirects": False, "headers": HEADERS if headers is None else headers, **options}
        async with http.request(method, path if path.startswith("http") else standin.url + path, **options) as response:
            data = await response.read()
            if response.status == 302:
                return 302, response.headers["Location"]
            return response.status, json.loads(data) if response.content_type == "application/json" else data


async def test_a_create_answers_as_the_protocol_says() -> None:
    """§1.3: every field of the example, `queued`, URLs of this stand-in; nothing is idempotent."""
    async with vapi() as standin:
        made = await create(standin, body(monitorPlan={}))
        again = await create(standin, body())

        assert [] == lacks(example("1-3-created"), made)
        assert ("queued", 0) == (made["status"], made["cost"])
        assert f"{standin.url.replace('http', 'ws')}/{made['id']}/transport" == made["transport"]["websocketCallUrl"]
        assert 9 == made["subscriptionLimits"]["remainingConcurrentCalls"]
        assert made["id"] != again["id"]
        assert [made["id"], again["id"]] == [seen.id for seen in standin.calls]
        assert "prepkit-0f8c2b7e" == standin.calls[0].request["name"]


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 403, b"error code: 1010"),
        ({"Authorization": f"Bearer {KEY}", "User-Agent": "Python/3.11 aiohttp/3.14"}, 403, b"error code: 1010"),
        (AGENT, 401, "Unauthorized"),
        ({**AGENT, "Authorization": "Bearer other"}, 401, "Unauthorized"),
        ({**AGENT, "Authorization": KEY}, 401, "Unauthorized"),
    ],
)
async def test_the_doors_are_shut(headers: dict[str, str], status: int, words: str | bytes) -> None:
    """C-16: without a User-Agent of its own a client meets the edge, without the key the API."""
    async with vapi() as standin:
        for method, path in (("POST", "/call"), ("GET", "/call"), ("GET", "/call/x"), ("GET", "/call/x/mono-recording")):
            got, said = await ask(standin, method, path, headers=headers)
            assert (status, words) == (got, said["error"] if isinstance(said, dict) else said)
        assert [] == standin.calls


async def test_a_wrong_body_makes_no_call() -> None:
    """400 in the shape of Vapi's validation, and 404 for what it has not."""
    async with vapi() as standin:
        status, said = await ask(standin, "POST", "/call", json=body() | {"metadata": {}})
        assert (400, {"message": ["property metadata should not exist"], "error": "Bad Request", "statusCode": 400}) == (
            status,
            said,
        )
        assert 400 == (await ask(standin, "POST", "/call", data=b"{"))[0]
        assert 400 == (await ask(standin, "POST", "/call", json=[]))[0]
        assert 404 == (await ask(standin, "POST", "/call/create", json=body()))[0]
        assert 404 == (await ask(standin, "GET", "/call/7420f27a"))[0]
        assert [] == standin.calls


async def test_lost_calls_can_be_found_again() -> None:
    """§1.4: the list, newest first, by time and number; it has what adopting a call needs."""
    async with vapi() as standin:
        before = datetime.now(UTC)
        ids = [(await create(standin, body()))["id"] for _ in range(3)]
        _, listed = await ask(standin, "GET", "/call", params={"createdAtGe": before.isoformat(), "limit": "2"})
        _, none = await ask(standin, "GET", "/call", params={"createdAtGe": (before + timedelta(hours=1)).isoformat()})

        assert [ids[2], ids[1]] == [one["id"] for one in listed]
        assert "0f8c2b7e" == listed[0]["assistant"]["metadata"]["sessionId"]
        assert listed[0]["transport"]["websocketCallUrl"].endswith(f"{ids[2]}/transport")
        assert [] == none
        assert 400 == (await ask(standin, "GET", "/call", params={"createdAtGe": "yesterday"}))[0]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500, 503])
async def test_creates_fail_on_command(status: int) -> None:
    """As often as asked for, then no more."""
    async with vapi(faults=faults(create_status=status, create_failures=2)) as standin:
        answers = [await ask(standin, "POST", "/call", json=body()) for _ in range(3)]

        assert [status, status, 201] == [answer[0] for answer in answers]
        assert isinstance(answers[0][1], bytes if status == 503 else dict)
        assert 1 == len(standin.calls)


async def test_creates_are_ambiguous_on_command() -> None:
    """Lost or late answers to calls that were made; calls without a socket or a slot."""
    async with vapi(faults=faults(create_lost=True)) as standin:
        with pytest.raises(aiohttp.ClientError):
            await create(standin, body())
        assert 1 == len(standin.calls)
        standin.faults = faults(create_seconds=5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await create(standin, body())
        assert 2 == len(standin.calls)
        standin.faults = faults(create_without_url=True)
        assert "websocketCallUrl" not in (await create(standin, body()))["transport"]
        standin.faults = faults(concurrency_blocked=True)
        made = await create(standin, body())
        assert made["subscriptionLimits"]["concurrencyBlocked"]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with joined(made["transport"]["websocketCallUrl"]):
                pass
        standin.faults = faults(refuse_silence_timeout=True)
        refused = await create(standin, body(), 400)
        assert ["assistant.property silenceTimeoutSeconds should not exist"] == refused["message"]


async def test_more_calls_than_slots_are_blocked() -> None:
    """201 all the same, as on the real one."""
    async with vapi(manner={"concurrency": 1}) as standin:
        made = [await create(standin, body()) for _ in range(2)]

        assert [False, True] == [one["subscriptionLimits"]["concurrencyBlocked"] for one in made]


async def test_recordings_are_behind_a_short_lived_link() -> None:
    """C-21, §1.4: 302 to a signed URL that refuses a key, ends, and holds what was spoken; the bare URL of the report is private."""
    async with vapi(manner={"link_seconds": 0.8}) as standin, bridge() as server:
        async with call(standin, server.url) as candidate:
            await candidate.got("speech-update", role="assistant", status="stopped")
            await candidate.speak(0.3)
            path = f"/call/{standin.calls[0].id}/"
            assert 404 == (await ask(standin, "GET", f"{path}mono-recording"))[0]
            await candidate.ws.send_str('{"type": "end-call"}')
            await standin.wait_for(lambda s: s.calls[0].settled)
        _, shown = await ask(standin, "GET", path[:-1])
        links = {}
        for side in ("mono", "stereo", "customer", "assistant"):
            status, links[side] = await ask(standin, "GET", f"{path}{side}-recording")
            assert 302 == status
        assert 400 == (await ask(standin, "GET", links["mono"], headers=HEADERS))[0]
        assert 403 == (await ask(standin, "GET", shown["artifact"]["recording"]["mono"]["combinedUrl"], headers=AGENT))[0]
        status, wav = await ask(standin, "GET", links["stereo"], headers=AGENT)
        with wave.open(io.BytesIO(wav)) as file:
            assert (200, 2, 16_000) == (status, file.getnchannels(), file.getframerate())
            assert 0.4 < file.getnframes() / 16_000 < 5
            assert np.frombuffer(file.readframes(-1), dtype="<i2").reshape(-1, 2).any(axis=0).all()
        await asyncio.sleep(0.85)
        assert 403 == (await ask(standin, "GET", links["stereo"], headers=AGENT))[0]


async def test_a_settled_call_shows_its_account() -> None:
    """§1.4: `ended` comes first, artifact and cost later."""
    async with vapi(manner={"artifact_seconds": 0.6}) as standin, bridge() as server:
        async with call(standin, server.url) as candidate:
            await candidate.got("status-update")
            path = f"/call/{standin.calls[0].id}"
            assert "in-progress" == (await ask(standin, "GET", path))[1]["status"]
            await candidate.ws.send_str('{"type": "end-call"}')
            await standin.wait_for(lambda s: s.calls[0].status == "ended")
        _, early = await ask(standin, "GET", path)
        await standin.wait_for(lambda s: s.calls[0].settled)
        _, late = await ask(standin, "GET", path)

        assert ("ended", "customer-ended-call", 0, False) == (
            early["status"],
            early["endedReason"],
            early["cost"],
            "artifact" in early,
        )
        assert late["cost"] > 0
        assert [] == lacks({"artifact": {"messages": [], "transcript": ""}, "costBreakdown": {"total": 1.0}, "endedAt": ""}, late)


async def test_control_obeys_and_refuses() -> None:
    """§3: 200 means accepted; unknown frames 400; 404 before the call is joined and once it is over."""
    async with vapi() as standin, bridge() as server:
        made = await create(standin, body(server.url))
        url = made["monitor"]["controlUrl"]
        assert 404 == (await ask(standin, "POST", url, json={"type": "end-call"}, headers={}))[0]
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("speech-update", role="assistant", status="stopped")
            assert 400 == (await ask(standin, "POST", url, json={"type": "say", "message": "Hi."}, headers={}))[0]
            assert 200 == (await ask(standin, "POST", url, json={"type": "say", "content": "Five minutes left."}, headers={}))[0]
            said = await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            assert 200 == (await ask(standin, "POST", url, json={"type": "end-call"}, headers={}))[0]
            await standin.wait_for(lambda s: s.calls[0].status == "ended")
        assert "Five minutes left." == said["transcript"]
        assert 404 == (await ask(standin, "POST", url, json={"type": "end-call"}, headers={}))[0]
        assert ["say", "end-call"] == [frame["type"] for frame in standin.calls[0].client_frames]
        assert 1 == len(standin.calls[0].violations)


async def test_it_is_commanded_from_another_process() -> None:
    """`/standin/…`: words, faults and what was seen."""
    async with vapi() as standin:
        assert (200, {"waiting": 2}) == await ask(standin, "POST", "/standin/words", json={"texts": ["One.", "Two."]})
        assert 400 == (await ask(standin, "POST", "/standin/words", json={"texts": "One."}))[0]
        status, taken = await ask(standin, "POST", "/standin/faults", json={"create_status": 503})
        assert (200, 503) == (status, taken["create_status"])
        assert 503 == standin.faults.create_status
        status, said = await ask(standin, "POST", "/standin/faults", json={"create_status": 418})
        assert (400, "create_status") == (status, said["message"][0].partition(":")[0])
        await ask(standin, "POST", "/standin/faults", json={})
        await create(standin, body())
        _, seen = await ask(standin, "GET", "/standin/calls")
        assert [("queued", [])] == [(one["status"], one["violations"]) for one in seen]
