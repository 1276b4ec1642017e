"""Which schemas Gemini takes: the OpenAPI dialect of responseSchema, the JSON Schema dialect, depth and size (C-28)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google.genai import errors
from pydantic import BaseModel

from web.standins.gemini import GeminiStandin
from web.standins.gemini_errors import BARE, GoogleError
from web.standins.gemini_models import MODELS
from web.standins.gemini_schemas import MAX_DEPTH, MAX_STATES, TOO_MANY_STATES, check_size, depth, from_json_schema, states

from .gemini_client import FLASH, client_of, post, said

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = {"type": "STRING"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standin() -> AsyncIterator[GeminiStandin]:
    """One for all."""
    async with GeminiStandin() as up:
        yield up


def answer_in(schema: dict[str, Any], field: str = "responseSchema") -> dict[str, Any]:
    """A request for JSON by this schema."""
    return said("hello") | {"generationConfig": {"responseMimeType": "application/json", field: schema}}


def holding(schema: dict[str, Any]) -> dict[str, Any]:
    """An object whose property `a` it is."""
    return {"type": "OBJECT", "properties": {"a": schema}}


def nested(levels: int) -> dict[str, Any]:
    """Objects in objects."""
    schema: dict[str, Any] = TEXT
    for _ in range(levels):
        schema = holding(schema)
    return schema


UNKNOWN = {
    "additionalProperties": False, "$ref": "#/$defs/A", "$defs": {}, "oneOf": [TEXT], "allOf": [TEXT], "const": "x", "not": {},
    "exclusiveMinimum": 0, "multipleOf": 2, "prefixItems": [TEXT], "examples": ["x"], "uniqueItems": True,
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
async def test_response_schema_takes_no_other_keyword(standin, name):
    """The protobuf has no such field, at the root or inside."""
    for schema, where in (
        (TEXT | {name: UNKNOWN[name]}, "generation_config.response_schema"),
        (
            holding({"type": "ARRAY", "items": TEXT | {name: UNKNOWN[name]}}),
            "generation_config.response_schema.properties[0].value.items",
        ),
    ):
        status, answer = await post(standin, answer_in(schema))

        assert status == 400
        assert f"Unknown name \"{name}\" at '{where}': Cannot find field." in answer["error"]["message"]


SENSELESS: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"description": "x"}, "response_schema.type: must be specified"),
    "several types": ({"type": ["STRING", "NULL"]}, "Proto field is not repeating, cannot start list."),
    "unknown type": ({"type": "TEXT"}, "Invalid value at 'generation_config.response_schema.type'"),
    "object without properties": ({"type": "OBJECT"}, "response_schema.properties: should be non-empty for OBJECT type"),
    "array without items": ({"type": "ARRAY"}, "response_schema.items: missing field."),
    "required is not there": (holding(TEXT) | {"required": ["b"]}, "response_schema.required[0]: property is not defined"),
    "properties of a text": (TEXT | {"properties": {"a": TEXT}}, "response_schema.properties: only allowed for OBJECT type"),
    "enum of a number": ({"type": "INTEGER", "enum": ["1"]}, "response_schema.enum: only allowed for STRING type"),
    "empty enum value": (TEXT | {"enum": ["a", ""]}, "response_schema.enum[1]: cannot be empty"),
    "format": (
        holding(TEXT | {"format": "email"}),
        "properties[a].format: only 'enum' and 'date-time' are supported for STRING type",
    ),
    "number format": ({"type": "NUMBER", "format": "int32"}, "are supported for NUMBER type"),
    "crossed bounds": ({"type": "ARRAY", "items": TEXT, "minItems": 3, "maxItems": 2}, "must not be greater than max_items"),
    "bad pattern": (TEXT | {"pattern": "("}, "invalid regular expression"),
    "inside a union": ({"anyOf": [TEXT, {"type": "ARRAY"}]}, "response_schema.any_of[1].items: missing field."),
    "too deep": (nested(MAX_DEPTH + 1), "exceeds the maximum allowed nesting depth."),
    "too large": ({"type": "ARRAY", "maxItems": 500, "items": holding(TEXT)}, BARE),
}


@pytest.mark.parametrize("name", SENSELESS)
async def test_response_schema_must_make_sense(standin, name):
    """Well-formed, and refused."""
    schema, message = SENSELESS[name]

    status, answer = await post(standin, answer_in(schema))

    assert status == 400
    assert message in answer["error"]["message"]


JSON_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown reference": ({"$ref": "#/$defs/A"}, "reference to undefined schema #/$defs/A"),
    "beside a reference": (
        {"$defs": {"A": {"type": "string"}}, "$ref": "#/$defs/A", "description": "x"},
        "may not be set beside $ref",
    ),
    "required circle": (
        {"$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]}}, "$ref": "#/$defs/A"},
        "cyclic references may only be used within non-required properties",
    ),
    "enum of booleans": ({"enum": [True]}, "enum is supported for strings and numbers only"),
    "unknown type": ({"type": "text"}, "unknown type 'text'"),
    "required is not there": ({"type": "object", "properties": {}, "required": ["a"]}, "required property 'a' is not defined"),
}


@pytest.mark.parametrize("name", JSON_REFUSED)
async def test_json_schema_refused(standin, name):
    """What JSON Schema may say and Gemini does not take."""
    schema, message = JSON_REFUSED[name]

    status, answer = await post(standin, answer_in(schema, "responseJsonSchema"))

    assert status == 400
    assert message in answer["error"]["message"]


async def test_json_schema_takes_more(standin):
    """References, unions, null, additionalProperties, ignored keywords, and a tree that contains itself."""
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}, "required": ["name"]}  # fmt: skip
    schema = {
        "$defs": {"Tree": tree, "Kind": {"enum": ["a", "b"]}},
        "type": "object",
        "properties": {
            "kind": {"$ref": "#/$defs/Kind"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "either": {"type": ["integer", "null"], "exclusiveMinimum": 3, "minimum": 4},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "minItems": 2, "maxItems": 2},
        },
        "additionalProperties": False,
        "required": ["kind", "note"],
    }

    status, answer = await post(standin, answer_in(schema, "responseJsonSchema"))
    tree_status, _ = await post(standin, answer_in({"$defs": {"Tree": tree}, "$ref": "#/$defs/Tree"}, "responseJsonSchema"))

    assert (status, tree_status) == (200, 200)
    assert answer["candidates"][0]["finishReason"] == "STOP"


async def test_a_pydantic_default_is_taken_and_a_closed_model_is_not(standin):
    """The published Schema has `default`, and the SDK sends it; `additionalProperties` it has not."""

    class Open(BaseModel):
        a: str = "x"

    async with client_of(standin) as client:
        answer = await client.aio.models.generate_content(
            model=FLASH, contents="hello", config={"response_mime_type": "application/json", "response_schema": Open}
        )
        with pytest.raises(errors.ClientError, match="additionalProperties"):
            await client.aio.models.generate_content(
                model=FLASH,
                contents="hello",
                config={
                    "response_mime_type": "application/json",
                    "http_options": {
                        "extra_body": {"generationConfig": {"responseSchema": TEXT | {"additionalProperties": False}}}
                    },
                },
            )

    assert isinstance(answer.parsed, Open)


@pytest.mark.asyncio(loop_scope="function")
async def test_size_grows_with_bounds_of_arrays_and_is_refused_as_the_model_refuses_it():
    """States multiply with maxItems; an older model says why, a current one does not."""
    small = holding({"type": "ARRAY", "items": holding(TEXT), "maxItems": 3})
    large = holding({"type": "ARRAY", "items": holding({"type": "ARRAY", "items": TEXT, "maxItems": 40}), "maxItems": 40})

    assert (depth(small), depth(nested(3))) == (3, 3)
    assert states(small) < 20 < MAX_STATES < states(large)
    check_size(small, MODELS[FLASH])
    for model, message in ((FLASH, BARE), ("gemini-2.5-pro", TOO_MANY_STATES)):
        with pytest.raises(GoogleError) as caught:
            check_size(large, MODELS[model])
        assert caught.value.message == message


@pytest.mark.asyncio(loop_scope="function")
async def test_json_schema_becomes_the_common_shape():
    """One shape of both dialects."""
    read = from_json_schema(
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "minLength": 3}}, "required": ["a"]}, "x"
    )

    assert read == {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}, "required": ["a"]}
