"""The REST half of Gemini's stand-in, spoken to by the real google-genai client: keys, models, answers, streams, counting (C-05, C-28, R-034)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import aiohttp
import pytest
from google.genai import errors, types
from pydantic import BaseModel, Field

from web.standins.gemini import GeminiStandin
from web.standins.gemini_minds import Rule, StandinBrain

from .gemini_client import FLASH, LIVE, client_of, post, said


class Point(BaseModel):
    """One thing to cover."""

    point: str
    words: str


class Written(BaseModel):
    """One question."""

    text: str = Field(min_length=10, max_length=300)
    difficulty: int = Field(ge=1, le=10)
    kind: Literal["design", "story"]
    key_points: list[Point] = Field(min_length=2, max_length=5)
    hint: str | None = None


class Paper(BaseModel):
    """Questions."""

    questions: list[Written]


@pytest.fixture
async def standin() -> AsyncIterator[GeminiStandin]:
    """A stand-in with its own brain."""
    async with GeminiStandin() as up:
        yield up


async def test_answers_are_valid_by_the_schema_in_both_dialects(standin):
    """C-28: pydantic models go in as responseSchema or responseJsonSchema and come out parsed."""
    ask = "Generate exactly 3 questions.\nFocus areas: caching, sharding"
    async with client_of(standin) as client:
        plain = await client.aio.models.generate_content(
            model=FLASH, contents=ask, config={"response_mime_type": "application/json", "response_schema": Paper}
        )
        schema = {"response_mime_type": "application/json", "response_json_schema": Paper.model_json_schema()}
        other = await client.aio.models.generate_content(model=FLASH, contents=ask, config=schema)

    assert len(plain.parsed.questions) == 3
    assert len({question.text for question in plain.parsed.questions}) == 3
    assert len(Paper.model_validate_json(other.text).questions) == 3
    assert [call.purpose for call in standin.requests] == ["questions", "questions"]


class Mood(StrEnum):
    """A choice."""

    CALM = "calm"
    TENSE = "tense"


class Dated(BaseModel):
    """Formats and a tree."""

    at: datetime
    day: date
    id: UUID
    parts: list[Dated] = []


async def test_other_roots_formats_and_trees(standin):
    """A list, an enum as plain text, dates and ids, and a model that contains itself."""
    async with client_of(standin) as client:
        ask = client.aio.models.generate_content
        points = await ask(
            model=FLASH, contents="hello", config={"response_mime_type": "application/json", "response_schema": list[Point]}
        )
        mood = await ask(model=FLASH, contents="hello", config={"response_mime_type": "text/x.enum", "response_schema": Mood})
        schema = {"response_mime_type": "application/json", "response_json_schema": Dated.model_json_schema()}
        dated = await ask(model=FLASH, contents="hello", config=schema)

    assert all(isinstance(point, Point) for point in points.parsed)
    assert mood.parsed in set(Mood)
    assert mood.text in {"calm", "tense"}
    assert Dated.model_validate_json(dated.text).parts


async def test_usage_adds_up_and_thinking_counts_against_the_limit(standin):
    """C-05: tokens of prompt, answer and thoughts; an answer that does not fit beside the thoughts is cut with MAX_TOKENS."""
    thinking = types.ThinkingConfig(thinking_level="HIGH")
    config = types.GenerateContentConfig(thinking_config=thinking, max_output_tokens=200)
    async with client_of(standin) as client:
        full = await client.aio.models.generate_content(model=FLASH, contents="word " * 100, config={"max_output_tokens": 4000})
        cut = await client.aio.models.generate_content(model=FLASH, contents="word " * 200, config=config)

    usage = full.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    assert full.candidates[0].finish_reason is types.FinishReason.STOP
    assert cut.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert cut.usage_metadata.thoughts_token_count + (cut.usage_metadata.candidates_token_count or 0) <= 200


async def test_stream_says_the_same_in_pieces(standin):
    """A stream: several chunks, the last with finish reason and usage."""
    prompt = "Please say something about this long sentence. " * 10
    async with client_of(standin) as client:
        standin.chunk_characters = 20
        chunks = [c async for c in await client.aio.models.generate_content_stream(model=FLASH, contents=prompt)]
        whole = await client.aio.models.generate_content(model=FLASH, contents=prompt)

    assert len(chunks) > 3
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert [bool(chunk.candidates[0].finish_reason) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage_metadata.candidates_token_count == whole.usage_metadata.candidates_token_count


async def test_stream_without_events_is_a_json_array(standin):
    """Without alt=sse the chunks come as one array, and an error in a list."""
    status, chunks = await post(standin, said("hello"), method="streamGenerateContent")
    bad_status, refused = await post(standin, {"contents": []}, method="streamGenerateContent")

    assert (status, chunks[-1]["candidates"][0]["finishReason"]) == (200, "STOP")
    assert (bad_status, refused[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(("key", "code", "reason"), [("nobody's", 400, "API_KEY_INVALID"), ("", 403, "PERMISSION_DENIED")])
async def test_keys_are_checked_as_google_does(standin, key, code, reason):
    """A wrong key is 400 API_KEY_INVALID, none is 403; the key may stand in the query."""
    async with aiohttp.ClientSession() as http:
        headers = {"x-goog-api-key": key} if key else {}
        async with http.get(f"{standin.url}/v1beta/models", headers=headers) as refused:
            body = await refused.json()
            assert refused.status == code
            assert reason in str(body)
        async with http.get(f"{standin.url}/v1/models?key={standin.key}") as welcome:
            assert welcome.status == 200


async def test_wrong_key_through_the_sdk(standin):
    """The SDK raises ClientError with Google's words."""
    async with client_of(standin, key="wrong") as client:
        with pytest.raises(errors.ClientError, match="API key not valid") as caught:
            await client.aio.models.generate_content(model=FLASH, contents="hello")

    assert caught.value.code == 400
    assert standin.requests == []


@pytest.mark.parametrize("model", ["gemini-9-ultra", LIVE])
async def test_unknown_model_and_wrong_method_are_not_found(standin, model):
    """404 for a model that does not exist, or is only there for Live."""
    async with client_of(standin) as client:
        with pytest.raises(errors.ClientError, match="is not found for API version v1beta, or is not supported") as caught:
            await client.aio.models.generate_content(model=model, contents="hello")

    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


async def test_models_are_listed_and_described_and_tokens_counted(standin):
    """models.list, models.get and countTokens."""
    async with client_of(standin) as client:
        names = [model.name async for model in await client.aio.models.list(config={"page_size": 5})]
        flash = await client.aio.models.get(model=FLASH)
        counted = await client.aio.models.count_tokens(model=FLASH, contents="x" * 400)

    assert f"models/{FLASH}" in names
    assert f"models/{LIVE}" in names
    assert flash.output_token_limit == 65_536
    assert counted.total_tokens == 100


async def test_functions_are_called_and_answered(standin):
    """Function calling in mode ANY: a valid call with a thought signature; the same conversation with its response goes on in words."""
    tool = types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="score", description="d",
                parameters=types.Schema(type="OBJECT", properties={"points": types.Schema(type="INTEGER", minimum=1, maximum=5)}, required=["points"]),
            )
        ]
    )  # fmt: skip
    config = types.GenerateContentConfig(
        tools=[tool],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    question = types.Content(role="user", parts=[types.Part(text="How good was it?")])
    async with client_of(standin) as client:
        first = await client.aio.models.generate_content(model=FLASH, contents=[question], config=config)
        call = first.function_calls[0]
        answer = types.Content(role="user", parts=[types.Part.from_function_response(name="score", response={"ok": True})])
        second = await client.aio.models.generate_content(
            model=FLASH, contents=[question, first.candidates[0].content, answer], config=config
        )

    assert 1 <= call.args["points"] <= 5
    assert second.text


async def test_tests_answer_and_tell_purposes_apart_by_themselves():
    """A test's own brain, answers by words of the prompt, and rules for purposes; everything is noted."""
    brain = StandinBrain().when({"a": 1}, contains="first").when("plain", purpose="mine")
    async with (
        GeminiStandin(brain=brain, rules=[Rule("mine", contains=("special",))]) as standin,
        client_of(standin) as client,
    ):
        one = await client.aio.models.generate_content(model=FLASH, contents="the first")
        two = await client.aio.models.generate_content(model=FLASH, contents="special", config={"system_instruction": "Be kind."})

    assert (one.text, two.text) == ('{"a": 1}', "plain")
    assert [(c.purpose, c.status, c.system) for c in standin.requests] == [("other", 200, ""), ("mine", 200, "Be kind.")]
    assert all(c.ended and c.ended >= c.started and c.spent.prompt for c in standin.requests)


async def test_latency_is_kept_and_calls_run_side_by_side():
    """Ten calls of 0.2 s take about as long as one; waiting for them is possible."""
    async with GeminiStandin(latency=0.2) as standin, client_of(standin) as client:
        began = time.monotonic()
        calls = [asyncio.create_task(client.aio.models.generate_content(model=FLASH, contents="hi")) for _ in range(10)]
        await standin.wait_for(lambda s: len(s.requests) == 10)
        await asyncio.gather(*calls)
        took = time.monotonic() - began

    assert 0.2 <= took < 1.5
    assert all(call.ended - call.started >= 0.2 for call in standin.requests)


async def test_faults_and_words_are_commanded_over_http(standin):
    """POST, GET and DELETE /standin/faults; an unknown field is refused; requests can be looked at."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{standin.url}/standin/faults", json={"kind": "503", "count": 1}) as made:
            assert made.status == 201
        async with http.post(f"{standin.url}/standin/faults", json={"kind": "503", "often": 1}) as refused:
            assert refused.status == 400
        status, _ = await post(standin, said("hello"))
        async with http.get(f"{standin.url}/standin/faults") as shown:
            assert (await shown.json())[0]["struck"] == 1
        async with http.delete(f"{standin.url}/standin/faults") as cleared:
            assert cleared.status == 204
        async with http.get(f"{standin.url}/standin/requests") as seen:
            assert [(call["status"], call["fault"]) for call in await seen.json()] == [(503, "503")]
        async with http.post(f"{standin.url}/standin/words", json={"words": ["one"]}) as promised:
            assert await promised.json() == {"waiting": 1}

    assert status == 503
    assert list(standin.faults) == []


async def test_tls_with_its_own_certificate_serves_rest_and_live(monkeypatch):
    """With SSL_CERT_FILE the unchanged SDK reaches REST and Live; without it the certificate is not trusted."""
    async with GeminiStandin(tls=True) as standin:
        async with client_of(standin) as stranger:
            with pytest.raises(aiohttp.ClientError):
                await stranger.aio.models.count_tokens(model=FLASH, contents="hello")
        monkeypatch.setenv("SSL_CERT_FILE", str(standin.certificate))
        async with client_of(standin) as client:
            counted = await client.aio.models.count_tokens(model=FLASH, contents="hello")
            async with client.aio.live.connect(model=LIVE, config={"response_modalities": ["AUDIO"]}) as session:
                setup = session.setup_complete

    assert counted.total_tokens == 2
    assert setup is not None
