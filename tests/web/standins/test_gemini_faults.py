"""Every fault of F7 as the real SDK meets it, and when a fault strikes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel, ValidationError

from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Fault, Faults, Kind

from .gemini_client import FLASH, client_of


class Shape(BaseModel):
    """What is asked for."""

    verdict: str
    score: int


JSON: dict[str, Any] = {"response_mime_type": "application/json", "response_schema": Shape}


@pytest.fixture
async def standin() -> AsyncIterator[GeminiStandin]:
    """A stand-in without faults yet."""
    async with GeminiStandin() as up:
        yield up


async def ask(standin: GeminiStandin, text: str = "hello", **options: Any) -> types.GenerateContentResponse:
    """One answer in JSON."""
    async with client_of(standin, **options) as client:
        return await client.aio.models.generate_content(model=FLASH, contents=text, config=JSON)


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("429", errors.ClientError, "RESOURCE_EXHAUSTED"),
        ("500", errors.ServerError, "INTERNAL"),
        ("503", errors.ServerError, "UNAVAILABLE"),
    ],
)
async def test_errors_by_status(standin, kind, error, status):
    """The SDK's own exceptions, once; then it works again."""
    standin.faults.add(kind)

    with pytest.raises(error) as caught:
        await ask(standin)

    assert (caught.value.code, caught.value.status) == (int(kind), status)
    assert (await ask(standin)).parsed
    assert [(call.status, call.fault) for call in standin.requests] == [(int(kind), kind), (200, "")]


@pytest.mark.parametrize(("retry_after", "retry_info"), [(7.0, True), (None, True), (7.0, False), (None, False)])
async def test_quota_says_when_to_come_back(standin, retry_after, retry_info):
    """429 with and without the Retry-After header and the RetryInfo detail."""
    standin.faults.add("429", retry_after=retry_after, retry_info=retry_info, seconds=3, daily=True)

    with pytest.raises(errors.ClientError) as caught:
        await ask(standin)

    details = {detail["@type"].rpartition(".")[2]: detail for detail in caught.value.details["error"]["details"]}
    assert caught.value.response.headers.get("Retry-After") == (None if retry_after is None else "7")
    assert ("RetryInfo" in details) == retry_info
    if retry_info:
        assert details["RetryInfo"]["retryDelay"] == ("7s" if retry_after else "3s")
    assert "PerDay" in details["QuotaFailure"]["violations"][0]["quotaId"]


async def test_hang_ends_in_the_clients_timeout(standin):
    """Nothing for as long as is said: the client's own limit holds."""
    standin.faults.add("hang", seconds=5)
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        await ask(standin, timeout=300)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("kind", ["reset", "disconnect"])
async def test_connection_is_reset(standin, kind):
    """In the middle of the answer and before it: an error of the HTTP client, noted without a status."""
    standin.faults.add(kind)

    with pytest.raises(aiohttp.ClientError):
        await ask(standin)

    await standin.wait_for(lambda s: s.requests[0].ended)
    assert (len(standin.requests), standin.requests[0].status) == (1, 0)


async def test_answers_that_are_cut(standin):
    """Half the JSON, or none of it, with MAX_TOKENS: no value, and no exception either."""
    standin.faults.add("cut")
    standin.faults.add("max-tokens")

    half, none = await ask(standin), await ask(standin)

    assert [a.candidates[0].finish_reason for a in (half, none)] == [types.FinishReason.MAX_TOKENS] * 2
    assert half.text
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.text)
    assert (half.parsed, none.parsed, none.text) == (None, None, None)
    assert none.usage_metadata.thoughts_token_count == 65_536


async def test_answers_of_another_shape(standin):
    """Valid JSON that is no Shape, and prose."""
    standin.faults.add("wrong-schema")
    standin.faults.add("not-json")

    other, prose = await ask(standin), await ask(standin)

    with pytest.raises(ValidationError):
        Shape.model_validate_json(other.text)
    assert json.loads(other.text)
    with pytest.raises(ValidationError):
        Shape.model_validate_json(prose.text)


@pytest.mark.parametrize(("kind", "reason"), [("safety", "SAFETY"), ("recitation", "RECITATION")])
async def test_answers_that_were_stopped(standin, kind, reason):
    """A candidate without text and a reason."""
    standin.faults.add(kind)

    answer = await ask(standin)

    assert answer.candidates[0].finish_reason.value == reason
    assert answer.text is None


async def test_no_candidates(standin):
    """A blocked prompt says so; an empty answer says nothing."""
    standin.faults.add("blocked")
    standin.faults.add("empty")

    blocked, empty = await ask(standin), await ask(standin)

    assert (blocked.candidates, empty.candidates) == (None, None)
    assert blocked.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    assert empty.prompt_feedback is None


async def test_a_megabyte(standin):
    """Valid JSON of the right shape and a megabyte of it."""
    standin.faults.add("huge")

    answer = await ask(standin)

    assert len(answer.text) > 1_000_000
    assert Shape.model_validate_json(answer.text)


async def test_a_stream_that_stalls_and_one_that_is_reset(standin):
    """The first chunk comes, then a pause, or the end of the connection."""
    standin.chunk_characters = 5
    standin.faults.add("slow", seconds=0.3)
    standin.faults.add("reset")
    times: list[float] = [time.monotonic()]

    async def listen(client: genai.Client) -> None:
        async for _ in await client.aio.models.generate_content_stream(model=FLASH, contents="hello"):
            times.append(time.monotonic())  # noqa: PERF401 - the time of each

    async with client_of(standin) as client:
        await listen(client)
        stalled = times[:]
        with pytest.raises(aiohttp.ClientError):
            await listen(client)

    assert stalled[1] - stalled[0] < 0.3 <= stalled[2] - stalled[1]
    assert len(times) - len(stalled) <= 1


async def test_a_fault_waits_for_its_call(standin):
    """By words, by purpose, by model and count."""
    standin.faults.add("500", contains="unlucky", count=2)
    standin.faults.add("503", purpose="grading", count=None)

    outcomes = []
    for text in ("hello", "unlucky one", "unlucky two", "unlucky three"):
        try:
            await ask(standin, text)
            outcomes.append("ok")
        except errors.APIError as error:
            outcomes.append(str(error.code))

    assert outcomes == ["503", "500", "500", "503"]


def test_probability_is_drawn_from_a_seed():
    """The same seed strikes the same calls; about as many as said."""

    def struck(seed: int) -> list[bool]:
        faults = Faults(Fault(kind=Kind.INTERNAL, probability=0.3, count=None), seed=seed)
        return [faults.strike(live=False) is not None for _ in range(400)]

    assert struck(1) == struck(1) != struck(2)
    assert 80 < sum(struck(1)) < 160


def test_faults_of_one_half_leave_the_other_alone():
    """Live faults strike no REST call, and only of the kinds asked for."""
    faults = Faults(Fault(kind=Kind.LIVE_DROP), Fault(kind=Kind.QUOTA, model="m"))

    assert faults.strike(live=False, model="other") is None
    assert faults.strike(live=True, kinds={Kind.LIVE_REFUSE}) is None
    assert faults.strike(live=True).kind is Kind.LIVE_DROP
    assert faults.strike(live=False, model="m").kind is Kind.QUOTA
    with pytest.raises(ValidationError):
        faults.add("429", surprise=1)


async def test_stopping_does_not_wait_for_what_hangs():
    """A stand-in ends at once, whatever it was told to hold back."""
    async with GeminiStandin(faults=[Fault(kind=Kind.HANG, seconds=60)]) as standin, client_of(standin) as client:
        call = asyncio.create_task(client.aio.models.generate_content(model=FLASH, contents="hello"))
        await standin.wait_for(lambda s: s.requests)
        began = time.monotonic()
        await standin.stop()
        took = time.monotonic() - began
        with pytest.raises(aiohttp.ClientError):
            await call

    assert took < 3
