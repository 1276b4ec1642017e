"""Gemini behind the port, through the real SDK, against the strict stand-in: every fault of F7 ends in a value or in a named trouble."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from loguru import logger
from pydantic import BaseModel, Field

from bridge.clients import gemini
from bridge.clients.gemini import Gemini, GeminiOptions, Sampling, parse, pause_before_next
from bridge.clients.gemini_answers import unavailable
from bridge.errors import ModelUnavailable, Trouble
from bridge.language_model import BUDGET_SECONDS, ModelCall, ModelReply, ModelRequest, Purpose
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

KEY = "test-key"
SECRET = "the candidate's very own words"


class Verdict(BaseModel):
    """A small answer."""

    verdict: str = Field(max_length=40)
    marks: int = Field(ge=0, le=10)


GOOD = {"verdict": "fine", "marks": 7}


def options(url: str, *, key: str = KEY, **sampling: Any) -> GeminiOptions:
    """One model for every purpose."""
    chosen = Sampling(**{"model": "gemini-3.8-flash", "max_tokens": 2000, "thinking": "low"} | sampling)
    return GeminiOptions(api_key=key, base_url=url, samplings=dict.fromkeys(Purpose, chosen), trust_env=False)


def request(purpose: Purpose = Purpose.QUESTIONS, **changes: Any) -> ModelRequest[Verdict]:
    """Ask for a verdict."""
    fields = {"prompt": "test.1", "system": "Judge.", "user": f"Exactly this: {SECRET}", "schema": Verdict, "session_id": "s1"}
    return ModelRequest(purpose=purpose, **(fields | changes))


class Desk:
    """A client, its stand-in and what the ledger heard."""

    def __init__(self, standin: GeminiStandin, **sampling: Any) -> None:
        self.standin = standin
        self.calls: list[ModelCall] = []
        self.model = Gemini(options(standin.url, **sampling), self._book)

    async def _book(self, call: ModelCall) -> None:
        self.calls.append(call)

    async def ask(self, purpose: Purpose = Purpose.QUESTIONS, **changes: Any) -> ModelReply[Verdict]:
        """A verdict."""
        return await self.model.ask(request(purpose, **changes))

    async def trouble(self, purpose: Purpose = Purpose.QUESTIONS, **changes: Any) -> ModelUnavailable:
        """The trouble it ends in."""
        with pytest.raises(ModelUnavailable) as caught:
            await self.ask(purpose, **changes)
        return caught.value


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch):
    """Attempts follow each other quickly, so that the tests do."""
    monkeypatch.setattr(gemini, "FIRST_PAUSE_SECONDS", 0.02)


@pytest.fixture
async def standin():
    """Answers GOOD unless told otherwise."""
    async with GeminiStandin(key=KEY, brain=StandinBrain().when(GOOD)) as up:
        yield up


@pytest.fixture
async def desk(standin: GeminiStandin):
    """A client of it."""
    desk = Desk(standin)
    yield desk
    await desk.model.close()


async def test_a_valid_answer_and_what_it_cost(desk: Desk):
    """R-035, C-05: the answer in our shape; tokens, time and outcome reach the ledger with the session."""
    reply = await desk.ask()
    await desk.model.close()

    assert Verdict(**GOOD) == reply.value
    assert ("gemini-3.8-flash", 1) == (reply.usage.model, reply.usage.attempts)
    assert min(reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.ms) > 0
    assert [("test.1", "s1", "ok", reply.usage.tokens_in, reply.usage.tokens_out)] == [
        (call.prompt, call.session_id, call.outcome, call.usage.tokens_in, call.usage.tokens_out) for call in desk.calls
    ]


async def test_the_settings_of_the_purpose_are_sent(standin: GeminiStandin):
    """R-034, C-28: model, temperature, top-p, top-k, tokens and thinking as set; v1beta; JSON by schema; the key in its header only."""
    desk = Desk(standin, temperature=0.7, top_p=0.95, top_k=40, max_tokens=3000)
    await desk.ask()
    await desk.model.close()
    (call,) = standin.requests
    config = call.body["generationConfig"]

    assert ("v1beta", "gemini-3.8-flash") == (call.version, call.model)
    assert {"temperature": 0.7, "topP": 0.95, "topK": 40, "maxOutputTokens": 3000, "responseMimeType": "application/json"} == {
        name: config[name] for name in ("temperature", "topP", "topK", "maxOutputTokens", "responseMimeType")
    }
    assert ["LOW"] == [str(value).upper() for value in config["thinkingConfig"].values()]
    assert KEY not in str(call.body)


async def test_what_is_unset_is_left_to_the_model(standin: GeminiStandin):
    """C-28: no temperature, top-p, top-k or thinking of ours unless it is set."""
    desk = Desk(standin, thinking="")
    await desk.ask()
    await desk.model.close()

    assert {"maxOutputTokens", "responseMimeType", "responseJsonSchema"} == set(standin.requests[0].body["generationConfig"])


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.MAX_TOKENS, Kind.WRONG_SCHEMA, Kind.NOT_JSON, Kind.EMPTY, Kind.HUGE])
async def test_a_wrong_answer_is_repaired_once(desk: Desk, kind: Kind):
    """F7, R-032: cut, empty, prose, another shape, a megabyte: what was wrong is sent back once, and both calls are paid for."""
    desk.standin.faults.add(kind)
    reply = await desk.ask()
    first, second = desk.standin.requests

    assert (Verdict(**GOOD), 2) == (reply.value, reply.usage.attempts)
    assert "does not fit" not in first.prompt
    assert "does not fit" in second.prompt
    assert reply.usage.tokens_in == first.spent.prompt + second.spent.prompt


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.WRONG_SCHEMA, Kind.NOT_JSON, Kind.EMPTY])
async def test_a_second_wrong_answer_is_the_end(desk: Desk, kind: Kind):
    """F7: never a third call, never an invented value."""
    desk.standin.faults.add(kind, count=None)

    assert Trouble.BAD_ANSWER is (await desk.trouble()).trouble
    assert len(desk.standin.requests) == 2


async def test_bounds_that_gemini_does_not_hold_are_ours(desk: Desk):
    """R-032: a value out of bounds is told to the model field by field, without what was sent."""
    desk.standin.brain = StandinBrain().when({"verdict": "x" * 41, "marks": 11})

    assert Trouble.BAD_ANSWER is (await desk.trouble()).trouble
    assert {"- verdict: String should have at most 40 characters", "- marks: Input should be less than or equal to 10"} <= set(
        desk.standin.requests[1].prompt.splitlines()
    )


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SAFETY, Kind.RECITATION])
async def test_a_refusal_of_the_filters_is_not_argued_with(desk: Desk, kind: Kind):
    """F7: safety stops end it at once."""
    desk.standin.faults.add(kind, count=None)

    assert Trouble.REFUSED_SAFETY is (await desk.trouble()).trouble
    assert len(desk.standin.requests) == 1


@pytest.mark.parametrize("kind", [Kind.INTERNAL, Kind.UNAVAILABLE, Kind.RESET])
async def test_the_vendor_s_own_faults_are_tried_again(desk: Desk, kind: Kind):
    """F7: 500, 503 and a reset connection pass within the budget."""
    desk.standin.faults.add(kind, count=2)
    reply = await desk.ask()

    assert (Verdict(**GOOD), 3) == (reply.value, reply.usage.attempts)


async def test_a_lasting_fault_ends_after_four_attempts(desk: Desk):
    """F7: no endless knocking."""
    desk.standin.faults.add(Kind.UNAVAILABLE, count=None)

    assert Trouble.OVERLOADED is (await desk.trouble()).trouble
    assert len(desk.standin.requests) == gemini.MAX_ATTEMPTS


@pytest.mark.parametrize("header", [True, False])
async def test_the_pause_a_vendor_asks_for_is_kept(desk: Desk, header: bool):
    """F7: Retry-After, or else RetryInfo, is waited for when there is time."""
    desk.standin.faults.add(Kind.QUOTA, **({"retry_after": 1, "retry_info": False} if header else {"seconds": 1.0}))
    began = time.monotonic()
    reply = await desk.ask()

    assert Verdict(**GOOD) == reply.value
    assert 1.0 <= time.monotonic() - began < 4


async def test_a_pause_beyond_the_deadline_ends_it_at_once(desk: Desk):
    """F7, C-47: quota with half a minute to wait is told at once, and nobody is asked again until then."""
    desk.standin.faults.add(Kind.QUOTA, retry_after=30)
    began = time.monotonic()
    first, second = await desk.trouble(), await desk.trouble()

    assert (Trouble.QUOTA, 30.0) == (first.trouble, first.retry_after_seconds)
    assert Trouble.CIRCUIT_OPEN is second.trouble
    assert 25 < (second.retry_after_seconds or 0) <= 30
    assert (1, True) == (len(desk.standin.requests), time.monotonic() - began < 3)


async def test_a_day_s_quota_is_not_waited_for(desk: Desk):
    """F7: a quota of the day does not come back in the seconds that RetryInfo names."""
    desk.standin.faults.add(Kind.QUOTA, seconds=0.2, daily=True)

    assert Trouble.QUOTA is (await desk.trouble()).trouble
    assert len(desk.standin.requests) == 1


async def test_a_hanging_vendor_ends_at_the_deadline(desk: Desk):
    """F7, C-47: the deadline holds whatever the vendor does."""
    await desk.model.open()
    desk.standin.faults.add(Kind.HANG, seconds=20)
    began = time.monotonic()

    assert Trouble.TIMEOUT is (await desk.trouble(deadline_seconds=0.4)).trouble
    assert 0.35 < time.monotonic() - began < 1.5


async def test_a_caller_cannot_ask_for_more_than_the_budget(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """C-47: the purpose's budget is an upper bound."""
    await desk.model.open()
    monkeypatch.setitem(BUDGET_SECONDS, Purpose.LIVE, 0.3)
    desk.standin.faults.add(Kind.HANG, seconds=20)
    began = time.monotonic()

    assert Trouble.TIMEOUT is (await desk.trouble(Purpose.LIVE, deadline_seconds=60)).trouble
    assert time.monotonic() - began < 1.5


def test_the_three_budgets():
    """C-47: questions 15 s, a live decision 2.5 s, a report 30 s."""
    assert {"questions": 15, "live": 2.5, "report": 30} == {purpose.value: seconds for purpose, seconds in BUDGET_SECONDS.items()}


async def test_failures_open_the_circuit_of_their_purpose_only(desk: Desk):
    """F7: after three failures in a row the model is left alone for this purpose, and still asked for the others."""
    desk.standin.faults.add(Kind.HANG, seconds=20, count=3)
    await desk.model.open()
    for _ in range(3):
        await desk.trouble(Purpose.LIVE, deadline_seconds=0.2)
    asked = len(desk.standin.requests)

    assert Trouble.CIRCUIT_OPEN is (await desk.trouble(Purpose.LIVE)).trouble
    assert asked == len(desk.standin.requests)
    assert Verdict(**GOOD) == (await desk.ask(Purpose.REPORT)).value


async def test_a_cancelled_request_is_booked_and_counts_against_nobody(desk: Desk):
    """Speculation is cancelled when stale: that is no failure of the vendor."""
    await desk.model.open()
    desk.standin.faults.add(Kind.HANG, seconds=20, count=4)
    for _ in range(4):
        asked = len(desk.standin.requests)
        task = asyncio.create_task(desk.ask(Purpose.LIVE))
        async with asyncio.timeout(10):
            while len(desk.standin.requests) == asked:
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert Verdict(**GOOD) == (await desk.ask(Purpose.LIVE)).value
    await desk.model.close()
    assert ["cancelled"] * 4 + ["ok"] == [call.outcome for call in desk.calls]


async def test_a_wrong_key(standin: GeminiStandin):
    """Doctor: Google says 400 with API_KEY_INVALID; we say unauthorised, and do not try again."""
    model = Gemini(options(standin.url, key="another"))
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(request())
    await model.close()

    assert Trouble.UNAUTHORISED is caught.value.trouble
    assert "another" not in caught.value.message


async def test_an_unknown_model(standin: GeminiStandin):
    """Doctor: 404 is a wrong model name."""
    desk = Desk(standin, model="gemini-1.0-nothing")

    assert Trouble.UNKNOWN_MODEL is (await desk.trouble()).trouble
    await desk.model.close()


async def test_a_setting_the_model_refuses(standin: GeminiStandin):
    """Doctor: 400 keeps Google's own sentence for the operator."""
    desk = Desk(standin, thinking="minimal")
    trouble = await desk.trouble()
    await desk.model.close()

    assert Trouble.REJECTED is trouble.trouble
    assert "thinking level" in trouble.vendor_says


async def test_nobody_there(unused_tcp_port: int):
    """F7: no connection."""
    model = Gemini(options(f"http://127.0.0.1:{unused_tcp_port}"))
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(request())
    await model.close()

    assert Trouble.UNREACHABLE is caught.value.trouble


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"', b"[" * 100_000, b'{"candidates": 7}', b"\xff\xfe"])
async def test_bodies_the_sdk_does_not_expect(body: bytes):
    """F7: whatever comes with a 200 ends in a trouble, not in a stray exception."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    model = Gemini(options(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(request())
    await model.close()
    server.close()

    assert caught.value.trouble in (Trouble.BAD_ANSWER, Trouble.OVERLOADED)


async def test_an_endless_answer_is_not_read_to_its_end():
    """F7: reading stops at 4 MiB."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(b" " * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    model = Gemini(options(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(request(Purpose.LIVE))
    await model.close()
    server.close()

    assert Trouble.UNREACHABLE is caught.value.trouble
    assert sent < 40 * gemini.MAX_ANSWER_BYTES


async def test_prompts_and_answers_are_never_logged(desk: Desk):
    """A17: neither what is asked nor what comes back is in the log, well or ill."""
    heard: list[str] = []
    sink = logger.add(heard.append, level=0, diagnose=True, backtrace=True)
    try:
        await desk.ask()
        desk.standin.faults.add(Kind.WRONG_SCHEMA, count=None)
        await desk.trouble()
    finally:
        logger.remove(sink)

    assert heard
    assert [] == [line for line in heard if SECRET in line or "fine" in line or KEY in line]


async def test_a_ledger_that_fails_costs_nobody_an_answer(standin: GeminiStandin):
    """C-05: bookings run beside the answer."""

    async def broken(_: ModelCall) -> None:
        raise RuntimeError("no database")

    model = Gemini(options(standin.url), broken)
    reply = await model.ask(request())
    await model.close()

    assert Verdict(**GOOD) == reply.value


def test_what_is_worth_another_attempt():
    """F7: the vendor's pause is taken as it is; without one it grows; a quota without one and everything else is final."""
    pauses = [pause_before_next(unavailable(Trouble.OVERLOADED), attempt) for attempt in range(1, gemini.MAX_ATTEMPTS + 1)]

    assert pauses[-1] is None
    assert all(base <= (pause or 0) <= 1.5 * base for base, pause in zip((0.02, 0.04, 0.08), pauses, strict=False))
    assert pause_before_next(unavailable(Trouble.QUOTA, retry_after=7.5), 1) == 7.5
    final = set(Trouble) - {Trouble.OVERLOADED, Trouble.UNREACHABLE}
    assert [None] * len(final) == [pause_before_next(unavailable(trouble), 1) for trouble in final]


@pytest.mark.parametrize(
    "text", ['{"verdict": "a", "marks": NaN}', '{"verdict": "\\ud800", "marks": 1}', "[" * 99, "", "null", "7"]
)
def test_json_that_we_do_not_take_of_anyone(text: str):
    """Contract 6: a model's JSON is read as strictly as a stranger's."""
    value, problems = parse(Verdict, text)

    assert value is None
    assert problems
