"""Consent where somebody beside the candidate's own machine takes part (R-116, P5)."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.domain.privacy import CONSENT_VERSION
from bridge.usecases import calling
from tests.acceptance.live import Server
from web.standins.gemini import GeminiStandin
from web.standins.vapi import VapiStandin

from .house import AGREED, House, ready_session, running, until_none
from .standins.vapi_client import KEY, vapi

pytestmark = pytest.mark.usefixtures("no_rate_limit")
PATIENCE_SECONDS = 60
NOISE = random.Random(5).randbytes(32_000 * 12)
"""Seconds of a microphone in a loud room."""


async def test_no_start_without_consent(tmp_path):
    """P5, R-116: start says what is needed and how to give it; nothing of the interview changes."""
    async with running(tmp_path, gemini_api_key="a-key", gemini_base_url="http://127.0.0.1:9") as house:
        session = await ready_session(house.store, house.user)

        status, body = await house.call("POST", f"/api/interviews/{session.id}/start")

        assert (409, "consent_required") == (status, body["error"]["code"])
        assert body["error"]["details"]["version"] == CONSENT_VERSION
        assert len(body["error"]["details"]["words"]) >= 3
        async with house.store.read() as tx:
            assert session == await tx.session(session.id)


@dataclass(frozen=True)
class Vendors:
    """A server with two vendors' keys, and the vendors."""

    house: House
    vapi: VapiStandin
    gemini: GeminiStandin

    @property
    def asked(self) -> tuple[int, int, int]:
        """Requests to Vapi and to Gemini, and Live connections."""
        return len(self.vapi.requests), len(self.gemini.requests), len(self.gemini.live_sessions)

    @property
    def sound(self) -> float:
        """How much of a voice the vendors have: samples of Vapi's that are no silence, seconds of Gemini's."""
        tapes = [call.tape.wav("customer")[44:] for call in self.vapi.calls if call.tape]
        return sum(len(tape) - tape.count(0) for tape in tapes) + sum(s.audio_seconds for s in self.gemini.live_sessions)

    @property
    def carried(self) -> float:
        """All audio, silence too."""
        return sum(call.uplink.bytes for call in self.vapi.calls) + sum(s.audio_seconds for s in self.gemini.live_sessions)

    async def until(self, wanted: Any) -> None:
        """Wait until it is so."""

        async def waits() -> bool:
            return not wanted()

        await until_none(waits, PATIENCE_SECONDS)


@asynccontextmanager
async def vendors(folder: Path, engine: str) -> AsyncIterator[Vendors]:
    """That engine talks, and Gemini writes the questions."""
    async with vapi() as upstream, GeminiStandin(key=KEY, recogniser=False) as gemini:
        keys = {"vapi_api_key": KEY, "vapi_base_url": upstream.url, "gemini_api_key": KEY, "gemini_base_url": gemini.url}
        async with running(folder, voice_engine=engine, recogniser="none", **keys) as house:
            yield Vendors(house, upstream, gemini)


@pytest.mark.parametrize("engine", ["vapi", "gemini"])
async def test_a_vendor_hears_nothing_before_the_consent_and_nothing_after_it(tmp_path: Path, engine: str) -> None:
    """P5, M9: up to the click no vendor of voices is asked anything, whatever is opened and tried; then sound flows; taken back, not one sample more."""
    async with vendors(tmp_path, engine) as v, aiohttp.ClientSession() as http:
        house = v.house
        session_id = (await house.set_up(difficulty="easy", duration=10, questionCount=3))["sessionId"]
        written = len(v.gemini.requests)
        assert "inlineData" not in str([call.body for call in v.gemini.requests])
        for path in ("/", f"/interviews/{session_id}", f"/api/interviews/{session_id}", f"/api/interviews/{session_id}/consent"):
            assert (await house.fetch("GET", path))[0].status == 200, path
        for body in (None, {}, {"consent": {"version": "2020-01-01"}}):
            assert (await house.call("POST", f"/api/interviews/{session_id}/start", json=body))[0] in (400, 409)
        _, token = await calling.start(house.store, house.user, session_id, engine, datetime.now(UTC))
        url = f"{house.origin}/ws/interviews/{session_id}"
        for tried, code in (("made-up", 4401), (token, 1008)):
            async with http.ws_connect(f"{url}?token={tried}", protocols=["prepkit.pcm.v1"]) as ws:
                await ws.send_bytes(NOISE[:640])
                await ws.receive(timeout=PATIENCE_SECONDS)
                assert ws.close_code == code
        assert ((0, written, 0), 0, 0) == (v.asked, v.sound, v.carried)

        _, begun = await house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED)
        async with Server(house.origin, tmp_path, http).caller(begun["bridgeUrl"], begun["token"]) as caller:
            await caller.told("question", seconds=PATIENCE_SECONDS)
            caller.say(NOISE)
            await v.until(lambda: v.sound > 0)
            status, _ = await house.call("DELETE", f"/api/interviews/{session_id}/consent")
            heard, asked = v.sound, v.asked[0::2]
            assert await caller.closed(seconds=PATIENCE_SECONDS) == 1000
        over = lambda: all(call.settled for call in v.vapi.calls) and all(s.closed for s in v.gemini.live_sessions)  # noqa: E731
        await v.until(over)

        assert (200, heard, asked) == (status, v.sound, v.asked[0::2])
        assert heard > 0
        assert (await house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED))[0] == 409
        await v.until(lambda: house.recordings.find(session_id) is None)


async def test_consent_taken_back_while_the_call_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P5: the candidate was let in, and takes it back before the call begins: the call never begins."""
    async with vendors(tmp_path, "vapi") as v, aiohttp.ClientSession() as http:
        house, within, go = v.house, threading.Event(), threading.Event()
        session_id = (await house.set_up(difficulty="easy", duration=10, questionCount=3))["sessionId"]
        real = house.recordings.open

        def slow(session_id: str, at_ms: int = 0) -> Any:
            within.set()
            assert go.wait(PATIENCE_SECONDS)
            return real(session_id, at_ms)

        monkeypatch.setattr(house.recordings, "open", slow)
        _, begun = await house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED)
        async with http.ws_connect(f"{begun['bridgeUrl']}?token={begun['token']}", protocols=["prepkit.pcm.v1"]) as ws:
            await ws.send_bytes(NOISE[:640])
            assert await asyncio.to_thread(within.wait, PATIENCE_SECONDS)
            taken = asyncio.create_task(house.call("DELETE", f"/api/interviews/{session_id}/consent"))

            async def stands() -> bool:
                async with house.store.read() as tx:
                    consent = await tx.consent(session_id)
                return consent is not None and consent.stands

            await until_none(stands, PATIENCE_SECONDS)
            go.set()
            status, _ = await taken
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for _ in ws:
                    pass

        assert (200, 1000) == (status, ws.close_code)
        assert ([], 0) == (v.vapi.requests, v.carried)
        _, shown = await house.call("GET", f"/api/interviews/{session_id}")
        assert shown["status"] == "failed"
