"""What Gemini refuses, refused with its words: unknown fields, wrong types, ranges, roles, tools, thinking (C-28)."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google.genai import errors, types

from web.standins.gemini import GeminiStandin
from web.standins.gemini_errors import GoogleError
from web.standins.gemini_fields import read

from .gemini_client import FLASH, client_of, post, said

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRO = "gemini-2.5-pro"
CALL = {"functionCall": {"name": "f", "args": {}}}
RESPONSE = {"functionResponse": {"name": "f", "response": {"ok": True}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standin() -> AsyncIterator[GeminiStandin]:
    """One for all: refusals leave nothing behind."""
    async with GeminiStandin() as up:
        yield up


def turn(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """A content."""
    return {"role": role, "parts": list(parts) or [{"text": "x"}]}


def config(**fields: Any) -> dict[str, Any]:
    """A request with this generationConfig."""
    return said("hello") | {"generationConfig": fields}


def function(name: str = "f", **fields: Any) -> dict[str, Any]:
    """A request that declares one function."""
    return said("hello") | {"tools": [{"functionDeclarations": [{"name": name, "description": "d", **fields}]}]}


REFUSED: dict[str, tuple[Any, str]] = {
    "unknown field": (
        said("x") | {"temperature": 1},
        'Invalid JSON payload received. Unknown name "temperature": Cannot find field.',
    ),
    "unknown field inside": (
        {"contents": [{"parts": [{"text": "x", "colour": 1}]}]},
        "Unknown name \"colour\" at 'contents[0].parts[0]': Cannot find field.",
    ),
    "wrong type": (config(temperature="hot"), "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\""),
    "wrong enum": (
        config(thinkingConfig={"thinkingLevel": "WILD"}),
        "Invalid value at 'generation_config.thinking_config.thinking_level'",
    ),
    "fraction for a whole number": (config(topK=1.5), "Invalid value at 'generation_config.top_k' (TYPE_INT32)"),
    "text instead of a content": (
        said("x") | {"systemInstruction": "Be kind."},
        "Invalid value at 'system_instruction' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \"Be kind.\"",
    ),
    "list for a scalar": (config(temperature=[1]), "Proto field is not repeating, cannot start list."),
    "bad base64": (
        {"contents": [turn("user", {"inlineData": {"mimeType": "application/pdf", "data": "%%%"}})]},
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES)",
    ),
    "temperature": (config(temperature=2.1), "generation_config.temperature: temperature must be in the range [0.0, 2.0]."),
    "top p": (config(topP=1.2), "generation_config.top_p: top_p must be in the range [0.0, 1.0]."),
    "top k": (config(topK=0), "generation_config.top_k: top_k must be positive."),
    "too many tokens": (config(maxOutputTokens=65_537), "the supported range is from 1 (inclusive) to 65537 (exclusive)"),
    "no tokens": (config(maxOutputTokens=0), "max_output_tokens must be positive."),
    "several candidates": (config(candidateCount=2), "Multiple candidates is not enabled for this model"),
    "very many candidates": (config(candidateCount=9), "candidate_count must be in the range [1, 8]."),
    "stop sequences": (config(stopSequences=list("abcdef")), "at most 5"),
    "mime type": (config(responseMimeType="text/html"), "allowed mimetypes are `text/plain`"),
    "modality": (config(responseModalities=["AUDIO"]), "response modalities is not supported by the model"),
    "voice": (
        config(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Bob"}}}),
        "Requested voice api_name 'Bob' is not available",
    ),
    "schema without JSON": (config(responseSchema={"type": "STRING"}), "response_mime_type must be application/json"),
    "two schemas": (
        config(responseMimeType="application/json", responseSchema={"type": "STRING"}, responseJsonSchema={"type": "string"}),
        "Only one of response_schema and response_json_schema",
    ),
    "enum without one": (config(responseMimeType="text/x.enum", responseSchema={"type": "STRING"}), "must be an enum"),
    "minimal thinking": (config(thinkingConfig={"thinkingLevel": "minimal"}), "'minimal' is not a supported thinking level"),
    "level and budget": (
        config(thinkingConfig={"thinkingLevel": "LOW", "thinkingBudget": 100}),
        "You can only set only one of thinking budget and thinking level.",
    ),
    "budget": (config(thinkingConfig={"thinkingBudget": 99_999}), "The thinking budget (99999) is invalid."),
    "no contents": ({"contents": []}, "* GenerateContentRequest.contents: contents is not specified"),
    "no parts": ({"contents": [{"role": "user", "parts": []}]}, "contents[0].parts: contents.parts must not be empty."),
    "empty part": (
        {"contents": [turn("user", {"thought": True})]},
        "required oneof field 'data' must have one initialized field",
    ),
    "unknown role": ({"contents": [turn("assistant")]}, "Please use a valid role: user, model."),
    "model speaks last": (
        {"contents": [turn("user"), turn("model")]},
        "Please ensure that multiturn requests ends with a user role",
    ),
    "user twice": ({"contents": [turn("user"), turn("user")]}, "alternate between user and model."),
    "response without call": (
        {"contents": [turn("user"), turn("model"), turn("user", RESPONSE)]},
        "number of function response parts is equal to the number of function call parts",
    ),
    "call without response": (
        {"contents": [turn("user"), turn("model", CALL | {"thoughtSignature": "AAAA"}), turn("user")]},
        "number of function response parts is equal",
    ),
    "call comes first": ({"contents": [turn("model", CALL), turn("user", RESPONSE)]}, "immediately after a user turn"),
    "signature lost": (
        {"contents": [turn("user"), turn("model", CALL), turn("user", RESPONSE)]},
        "Function call is missing a thought_signature in functionCall parts.",
    ),
    "picture in the instruction": (
        said("x") | {"systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}},
        "only supports text parts",
    ),
    "unknown file": (
        {"contents": [turn("user", {"inlineData": {"mimeType": "application/x-thing", "data": "AAAA"}})]},
        "Unsupported MIME type: application/x-thing",
    ),
    "safety twice": (
        said("x") | {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}] * 2},
        "There should not be more than one setting",
    ),
    "empty tool": (said("x") | {"tools": [{}]}, "required one_of 'tool_type' must have one initialized field"),
    "function name": (function("2 fast"), "Invalid function name. Must start with a letter or an underscore."),
    "function twice": (
        said("x") | {"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]},
        "Duplicate function declaration found: f",
    ),
    "behaviour outside Live": (function(behavior="BLOCKING"), "only supported by the BidiGenerateContent method"),
    "parameters of another type": (function(parameters={"type": "STRING"}), "parameters schema should be of type OBJECT."),
    "parameters without properties": (
        function(parameters={"type": "OBJECT", "properties": {}}),
        "tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type",
    ),
    "unknown function allowed": (
        function() | {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}},
        "undeclared function: g",
    ),
    "cache": (said("x") | {"cachedContent": "cachedContents/1"}, "CachedContent not found"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_googles_words(standin, name):
    """Each is refused with a 4xx and the message."""
    body, message = REFUSED[name]

    status, answer = await post(standin, body)

    assert status in (400, 403)
    assert message in answer["error"]["message"]


OLDER: dict[str, tuple[Any, str]] = {
    "level": (config(thinkingConfig={"thinkingLevel": "LOW"}), "Thinking level is not supported for this model."),
    "no thinking": (config(thinkingConfig={"thinkingBudget": 0}), "only works in thinking mode"),
    "tools and JSON": (
        function() | {"generationConfig": {"responseMimeType": "application/json"}},
        "Function calling with a response mime type: 'application/json' is unsupported",
    ),
}


@pytest.mark.parametrize("name", OLDER)
async def test_what_older_models_do_not_take(standin, name):
    """Rules that hold for some models only."""
    body, message = OLDER[name]

    status, answer = await post(standin, body, model=PRO)

    assert status == 400
    assert message in answer["error"]["message"]


async def test_every_violation_is_told_at_once(standin):
    """Two unknown names: one message, two field violations, as Google gives them."""
    _, answer = await post(standin, said("x") | {"colour": 1, "size": 2})

    details = answer["error"]["details"][0]
    assert details["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert len(details["fieldViolations"]) == 2


async def test_what_the_sdk_sends_is_taken(standin):
    """Everything a sensible caller sets passes, in the SDK's own mixture of spellings."""
    async with client_of(standin) as client:
        answer = await client.aio.models.generate_content(
            model=FLASH,
            contents=[
                types.Content(role="user", parts=[types.Part(text="Here is my CV."), types.Part.from_bytes(data=b"%PDF-1.7", mime_type="application/pdf")]),
                types.Content(role="model", parts=[types.Part(text="Thank you.")]),
                types.Content(role="user", parts=[types.Part(text="Go on.")]),
            ],
            config=types.GenerateContentConfig(
                system_instruction="Be kind.", temperature=0.7, top_p=0.95, top_k=40, max_output_tokens=3000, seed=7, candidate_count=1,
                stop_sequences=["END"], thinking_config=types.ThinkingConfig(thinking_level="LOW", include_thoughts=True),
                safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_ONLY_HIGH")],
            ),
        )  # fmt: skip

    assert answer.text
    assert any(part.thought for part in answer.candidates[0].content.parts)
    assert standin.requests[-1].status == 200


async def test_the_sdk_raises_for_a_refusal(standin):
    """ClientError 400 INVALID_ARGUMENT, and the call is noted with its error."""
    async with client_of(standin) as client:
        with pytest.raises(errors.ClientError, match="temperature must be in the range") as caught:
            await client.aio.models.generate_content(model=FLASH, contents="x", config={"temperature": 3})

    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert standin.requests[-1].error


@pytest.mark.asyncio(loop_scope="function")
async def test_reading_takes_both_spellings_and_keeps_the_request():
    """snake_case and camelCase, numbers as text, one value for a list; the body itself is not changed."""
    body = {
        "contents": {"parts": {"text": "x"}},
        "generation_config": {"max_output_tokens": "64", "responseModalities": ["text"]},
    }
    before = copy.deepcopy(body)

    seen = read("GenerateContentRequest", body)

    assert seen["contents"] == [{"parts": [{"text": "x"}]}]
    assert seen["generationConfig"] == {"maxOutputTokens": 64, "responseModalities": ["TEXT"]}
    assert body == before
    with pytest.raises(GoogleError):
        read("GenerateContentRequest", ["not", "an", "object"])
