"""Every fault of F1, F2, F7 and F14 in an interview that somebody paid for: what failed is given back, once, and what was held is paid for, once (M4).

Side by side at one server each, four minutes and an answer into the interview, so that nothing but the fault is a reason to give anything back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from limits import parse

from bridge.clients import vapi as vapi_client
from bridge.config import variable_of
from bridge.domain import breaker
from bridge.usecases import calling
from pipeline import call
from pipeline.engines import gemini_lives, vapi_call
from pipeline.engines import vapi as vapi_engine
from pipeline.voice import available
from web import app, middlewares, sockets
from web.rehearsal.house import House
from web.standins.gemini import GeminiStandin
from web.standins.stripe import StripeStandin
from web.standins.vapi import VapiStandin
from web.standins.vapi_faults import Faults, Manner
from web.standins.vapi_speech import hum

from .live import ANSWER, PCM, Server
from .paid import KEY, PRICE, SECRET, Shop, is_given_back, is_used, money_settings, selling
from .test_gemini_down import FAULTS, PURPOSE
from .test_gemini_whole import minds
from .test_vapi import KEY as VAPI_KEY
from .test_vapi import WORDS, answer

pytestmark = pytest.mark.timeout(400)
GEMINI_KEY = "test-key"
SPEECHLESS_SECONDS = 15.0
"""By this a voice that fell silent is found out, so that it cannot be longer than a test may wait."""
ANSWERED_AGAIN_SECONDS = 30.0
"""Longer than that: whatever is heard is owed an answer anew."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """More requests a minute than one person may make, and no limit of time that could end an interview before its own fault does."""
    monkeypatch.setattr(middlewares, "LIMIT", parse("1000000/minute"))
    monkeypatch.setattr(calling, "START_TOKEN_SECONDS", 600)
    monkeypatch.setattr(call, "READY_TIMEOUT_SECONDS", 120)
    for module, name in (
        (vapi_client, "READ_SECONDS"),
        (vapi_client, "DIAL_SECONDS"),
        (vapi_client, "HEARTBEAT_SECONDS"),
        (vapi_call, "REJOIN_SECONDS"),
        (sockets, "HEARTBEAT_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 60.0)
    monkeypatch.setattr(vapi_engine, "SPEECHLESS_SECONDS", SPEECHLESS_SECONDS)


@pytest.fixture
def voiceless(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a server whose own voice is not installed: a vendor that is lost leaves nobody to go on with."""
    monkeypatch.setattr(available, "_has", lambda package: package != "kokoro_onnx" and find_spec(package) is not None)
    return {"speech": "kokoro"}


@asynccontextmanager
async def stripe() -> AsyncIterator[StripeStandin]:
    """Whoever takes the money; its webhooks are lost."""
    async with StripeStandin(key=KEY, webhook_secret=SECRET) as stand:
        yield stand


def vapi() -> VapiStandin:
    """A stand-in that understands everybody, and has a line for each; all it says takes a second."""
    manner = Manner(concurrency=60, join_seconds=300.0)
    return VapiStandin(key=VAPI_KEY, words=WORDS * 40, manner=manner, speak=lambda _, rate: hum("five words and no more", rate))


def told_end(message: dict[str, Any]) -> bool:
    """Whether it says that the interview is over."""
    return "server-message" == message["type"] and "ended" == message["data"]["type"]


async def lost(shop: Shop, session_id: str) -> None:
    """The candidate comes back into the interview, answers whatever is heard, is told that the voice is lost, and is let go."""
    async with shop.candidate(session_id) as caller, asyncio.timeout(180):
        while not caller.has("ended"):
            with suppress(TimeoutError):
                await caller.noted(lambda m: m["type"] == "bot-started-speaking" or told_end(m), ANSWERED_AGAIN_SECONDS)
            if caller.has("bot-started-speaking") and not caller.has("ended"):
                await answer(caller)
        assert any(m.get("data", {}).get("code") == "upstream_lost" for m in caller.notes)


async def held(shop: Shop, session_id: str, *codes: str, typed: bool = False) -> None:
    """The candidate comes back into the interview, is told these things, hears the interviewer, and ends it."""
    async with shop.candidate(session_id) as caller:
        for code in codes:
            await caller.told("notice", code=code, seconds=90)
        async with asyncio.timeout(90):
            # A goodbye that is asked for before anybody speaks might not be said.
            while not caller.has("bot-started-speaking"):
                await asyncio.sleep(0.05)
        if typed:
            await caller.verb("text", text=ANSWER)
        await caller.verb("end")
        await caller.told("ended", seconds=90)


async def ends_are(shop: Shop, sessions: dict[str, str], judged: Callable[[Any], bool]) -> None:
    """Each interview, by what happened in it, came to this."""
    ends = {what: await shop.end_of(session_id) for what, session_id in sessions.items()}
    assert {} == {what: end for what, end in ends.items() if not judged(end)}


async def refunded_once(shop: Shop, sessions: dict[str, str]) -> None:
    """M4: one wish for each reached the provider, once, under a key of its own, and one refund of the price stands there."""
    wishes = [wish.id for session_id in sessions.values() for wish in (await shop.end_of(session_id)).wishes]
    assert sorted(f"refund:{wish}" for wish in wishes) == sorted(shop.refunds)
    assert [PRICE] * len(wishes) == [refund["amount"] for refund in shop.stand.account.all("refund")]


# F2 ---------------------------------------------------------------------------------------------------------------------
UPSTREAM: dict[str, dict[str, Any]] = {
    **{f"create {status}": {"create_status": status} for status in (400, 401, 402, 403, 429, 500, 503)},
    "create without an address": {"create_without_url": True},
    "no line free": {"concurrency_blocked": True},
    "socket refused": {"refuse": True},
    "RST": {"reset_after": 1.0, "rejoin": False},
    "clean close": {"close_after": 1.0, "rejoin": False},
    "no first word": {"no_first_frame": True, "rejoin": False},
    "silence": {"silent_after": 1.0, "rejoin": False},
}
"""Whatever Vapi can do that ends a call, where there is no other voice."""
BORNE: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "create slow": ({"create_seconds": 5.0}, ()),
    "create made, its answer lost": ({"create_lost": True}, ()),
    "create made, never answered": ({"create_seconds": 300.0}, ("connecting",)),
    "RST, joined again": ({"reset_after": 2.0}, ("reconnecting", "reconnected")),
}
"""What a call bears."""


AT_ONCE = ("create 500", "RST")
"""Those that also strike an interview which has only begun."""


async def test_a_lost_voice_gives_the_money_back(tmp_path: Path, voiceless: dict[str, str]) -> None:
    """M4, F2: fourteen ways to lose Vapi for good give the money back with one refund each; what a call bears is held and paid for, once."""
    async with (
        stripe() as stand,
        vapi() as standin,
        selling(tmp_path, stand, vapi_api_key=VAPI_KEY, vapi_base_url=standin.url, refund_policy="money", **voiceless) as shop,
    ):
        failed = {what: await shop.bought() for what in UPSTREAM}
        failed |= {f"{what}, at once": await shop.bought(minutes_in=False) for what in AT_ONCE}
        for what, session_id in failed.items():
            standin.faults_of[session_id] = Faults(**UPSTREAM[what.removesuffix(", at once")])
        borne = {what: await shop.bought() for what in BORNE}
        for what, session_id in borne.items():
            standin.faults_of[session_id] = Faults(**BORNE[what][0])
        assert 0 == await shop.balance()

        async def joined_again() -> None:
            session_id = borne["RST, joined again"]
            await standin.wait_for(lambda s: any(each.joins for each in s.calls if each.session_id == session_id), 120)
            # What is under way strikes all the same, and once.
            del standin.faults_of[session_id]

        await asyncio.gather(
            *(lost(shop, session_id) for session_id in failed.values()),
            *(held(shop, session_id, *BORNE[what][1]) for what, session_id in borne.items()),
            joined_again(),
        )
        await ends_are(shop, failed, partial(is_given_back, as_money=True))
        await ends_are(shop, borne, is_used)
        await refunded_once(shop, failed)
        assert (len(failed), 0) == (len(shop.refunds), await shop.balance())


async def test_a_lost_voice_gives_the_credit_back(tmp_path: Path, voiceless: dict[str, str]) -> None:
    """M4, F2: where credit is what is given back, it is there at once, all of it, once, and nobody is asked for a refund."""
    async with (
        stripe() as stand,
        vapi() as standin,
        selling(tmp_path, stand, vapi_api_key=VAPI_KEY, vapi_base_url=standin.url, **voiceless) as shop,
    ):
        failed = {what: await shop.bought() for what in ("create 401", "create 500", "socket refused", "RST", "clean close")}
        for what, session_id in failed.items():
            standin.faults_of[session_id] = Faults(**UPSTREAM[what])
        await asyncio.gather(*(lost(shop, session_id) for session_id in failed.values()))
        await ends_are(shop, failed, partial(is_given_back, as_money=False))
        assert (PRICE * len(failed), []) == (await shop.balance(), shop.refunds)


async def test_an_interview_that_goes_on_with_another_voice_is_paid_for(tmp_path: Path) -> None:
    """M4, F2: handed over to the server's own voice and held: used up, once, and no refund; given up in its first minutes: all of it back."""
    async with (
        stripe() as stand,
        vapi() as standin,
        selling(tmp_path, stand, vapi_api_key=VAPI_KEY, vapi_base_url=standin.url, refund_policy="money") as shop,
    ):
        went_on = {what: await shop.bought() for what in ("create 500", "RST", "clean close")}
        given_up = {"create 402": await shop.bought(minutes_in=False)}
        for what, session_id in {**went_on, **given_up}.items():
            standin.faults_of[session_id] = Faults(**UPSTREAM[what])
        sessions = [*went_on.values(), *given_up.values()]
        await asyncio.gather(*(held(shop, session_id, "engine_changed", typed=True) for session_id in sessions))
        await ends_are(shop, went_on, is_used)
        await ends_are(shop, given_up, partial(is_given_back, as_money=False))
        assert [] == shop.refunds


# F7 ---------------------------------------------------------------------------------------------------------------------
LINES: dict[str, dict[str, Any]] = {
    "closed at once": {"kind": "live-close", "code": 1011},
    "not taken": {"kind": "live-close", "code": 1007},
    "dropped": {"kind": "live-drop", "seconds": 1.0},
    "never a word": {"kind": "live-silent"},
    "never set up": {"kind": "live-no-setup"},
    "nonsense": {"kind": "live-malformed", "seconds": 1.0},
}
"""Whatever Gemini's line can do that ends a call; each again and again."""


async def test_a_lost_line_to_gemini_gives_back_what_it_cost(
    tmp_path: Path, voiceless: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M4, F7: every way to lose Gemini's line for good gives the money back with one refund each, and so does a line that is refused to all."""
    # So that each meets its own fault and not what came of the others'.
    monkeypatch.setattr(breaker, "THRESHOLD", 1_000)
    monkeypatch.setattr(gemini_lives, "REFUSED_PAUSE_SECONDS", 0.0)
    async with (
        stripe() as stand,
        GeminiStandin(key=GEMINI_KEY, words=WORDS * 20, recogniser=False) as standin,
        selling(
            tmp_path, stand, gemini_api_key=GEMINI_KEY, gemini_base_url=standin.url, refund_policy="money", **voiceless
        ) as shop,
    ):
        failed = {what: await shop.bought(role=f"Keeper of {what}") for what in LINES}
        refused = {"refused": await shop.bought()}
        struck = {what: standin.faults.add(count=None, contains=f"Keeper of {what}", **LINES[what]) for what in LINES}
        await asyncio.gather(*(lost(shop, session_id) for session_id in failed.values()))
        assert [] == [what for what, fault in struck.items() if not fault.struck]
        standin.faults.clear()
        standin.faults.add("live-refuse", count=None)
        await lost(shop, refused["refused"])
        await ends_are(shop, {**failed, **refused}, partial(is_given_back, as_money=True))
        await refunded_once(shop, {**failed, **refused})
        assert (len(LINES) + 1, 0) == (len(shop.refunds), await shop.balance())


async def went_on(shop: Shop, session_id: str, case: str) -> None:
    """The candidate comes back, answers the next question in words that tell the prompts about it from others', is asked on all the same, and ends it."""
    async with shop.candidate(session_id) as caller:
        await caller.verb("next")
        await caller.told("question", n=2, followUp=0, seconds=90)
        await caller.verb("text", text=f"{ANSWER} I would call it {case}")
        assert (await caller.told("question", n=2, seconds=90))["followUp"] > 0
        await caller.verb("end")
        await caller.told("ended", seconds=90)


async def test_a_model_that_fails_leaves_an_interview_that_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M4, F7: each of the eleven faults of Gemini's REST side, in an interview that goes on and is ended by its candidate: used up, once, and no refund."""
    monkeypatch.setattr(breaker, "THRESHOLD", 1_000)
    async with (
        stripe() as stand,
        GeminiStandin(key=GEMINI_KEY, brain=minds(), recogniser=False) as standin,
        selling(
            tmp_path, stand, gemini_api_key=GEMINI_KEY, gemini_base_url=standin.url, voice_engine="local", refund_policy="money"
        ) as shop,
    ):
        sessions = {kind.value: await shop.bought() for kind in FAULTS}
        struck = {
            kind.value: standin.faults.add(kind, count=None, purpose=PURPOSE, contains=f"case {kind.value}.", **fields)
            for kind, fields in FAULTS.items()
        }
        await asyncio.gather(*(went_on(shop, session_id, f"case {kind}.") for kind, session_id in sessions.items()))
        assert [] == [kind for kind, fault in struck.items() if not fault.struck]
        await ends_are(shop, sessions, is_used)
        assert [] == shop.refunds


# F1, F14 ----------------------------------------------------------------------------------------------------------------
async def test_a_killed_server_gives_back_what_it_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M4, F1, F14: kill -9 with interviews in every state, and Vapi's calls left behind; started again, who comes back pays for what is held, everybody
    else has all of it back, once; what was over stays paid for."""
    monkeypatch.setattr(calling, "RECLAIM_SECONDS", 600)
    async with stripe() as stand, vapi() as standin:
        own = {"vapi_api_key": VAPI_KEY, "vapi_base_url": standin.url, "refund_policy": "money"}
        async with selling(tmp_path, stand, **own) as shop:
            cut = {"first minute": await shop.bought(minutes_in=False)}
            cut |= {what: await shop.bought() for what in ("asked", "speaking", "call being made")}
            back, over = await shop.bought(), await shop.bought()
            waiting = await shop.bought(minutes_in=False)
        standin.faults_of[cut["call being made"]] = Faults(create_seconds=300.0)

        await killed(tmp_path, stand, standin, own, {"over": over, "back": back, **cut})

        # The same data, a new process as far as it can tell.
        monkeypatch.setattr(app, "SWEEP_SECONDS", 0.2)
        standin.faults_of.clear()
        async with selling(tmp_path, stand, **own) as shop:
            await held(shop, back)
            monkeypatch.setattr(calling, "RECLAIM_SECONDS", 0)
            monkeypatch.setattr(calling, "INITIATED_SECONDS", 0)
            await ends_are(shop, cut, partial(is_given_back, as_money=True))
            await ends_are(shop, {"came back": back, "was over": over}, is_used)
            await ends_are(shop, {"never joined": waiting}, partial(is_given_back, as_money=False))
            await refunded_once(shop, {**cut, "came back": back, "was over": over})
            assert (len(cut), PRICE) == (len(shop.refunds), await shop.balance())


async def killed(
    data_dir: Path, stand: StripeStandin, standin: VapiStandin, own: dict[str, Any], sessions: dict[str, str]
) -> None:
    """A server process of its own with these interviews on the line, each in the state it is named after, ended by kill -9."""
    process = House(data_dir, environ=environ(money_settings(stand) | own | {"recogniser": "none", "max_calls": 60}))
    await process.start()
    try:
        async with AsyncExitStack() as calls:
            there = Server(process.url, data_dir, await calls.enter_async_context(aiohttp.ClientSession()))
            url, _ = await there.start(sessions["over"])
            async with there.http.ws_connect(f"{url}?token=none", protocols=PCM) as nobody:
                # It is sent away once what calls need is loaded; from then on a token is used at once.
                await nobody.receive(timeout=120)
            on_line = {}
            for what, session_id in sessions.items():
                caller = on_line[what] = await calls.enter_async_context(there.caller(*await there.start(session_id)))
                if what != "call being made":
                    await caller.rtvi("bot-started-speaking", 90)
                if what == "over":
                    await caller.verb("end")
                if what == "speaking":
                    await answer(caller, 10)
            await on_line["over"].told("ended", seconds=90)
            await on_line["speaking"].rtvi("user-started-speaking", 90)
            await standin.wait_for(lambda s: set(sessions.values()) == {each.session_id for each in s.calls}, 90)
            await process.kill()
    finally:
        await process.kill()


def environ(settings: dict[str, Any]) -> dict[str, str]:
    """The variables of settings."""
    return {variable_of(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}
