"""The filler's promise: a valid value for whatever schema was let in, the same every time, in the prompt's words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.standins.gemini_filling import UNSET, Choices, fill, fit, sample, sentences

PROMPT = "Tell me about caching. It was slow on Monday! Why?\n- 42\n"


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    """Texts, numbers, truths."""
    low = st.integers(0, 20)
    texts = st.builds(lambda a, b: {"type": "STRING", "minLength": a, "maxLength": a + b}, low, low)
    enums = st.lists(st.text("abc", min_size=1), min_size=1, max_size=4).map(lambda values: {"type": "STRING", "enum": values})
    whole = st.builds(lambda a, b: {"type": "INTEGER", "minimum": a, "maximum": a + b}, st.integers(-50, 50), low)
    number = st.builds(lambda a, b: {"type": "NUMBER", "minimum": a / 4, "maximum": (a + b) / 4}, st.integers(-50, 50), low)
    free = st.sampled_from([{"type": kind} for kind in ("STRING", "INTEGER", "NUMBER", "BOOLEAN", "NULL")])
    dates = st.just({"type": "STRING", "format": "date-time"})
    return st.one_of(texts, enums, whole, number, free, dates)


def containers(inside: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Lists, objects, unions."""
    lists = st.builds(
        lambda item, a, b: {"type": "ARRAY", "items": item, "minItems": a, "maxItems": a + b},
        inside,
        st.integers(0, 3),
        st.integers(0, 3),
    )
    objects = st.dictionaries(st.text("abc_", min_size=1, max_size=5), inside, min_size=1, max_size=4).map(
        lambda properties: {"type": "OBJECT", "properties": properties, "required": list(properties)}
    )
    unions = st.lists(inside, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    return st.one_of(lists, objects, unions, inside.map(lambda schema: schema | {"nullable": True}))


def valid(schema: dict[str, Any], value: Any) -> bool:
    """Whether the value is one the schema allows; written apart from the filler."""
    if value is None and (schema.get("nullable") or schema.get("type") == "NULL"):
        return True
    if "anyOf" in schema:
        return any(valid(option, value) for option in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema["type"]:
        case "STRING":
            return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
        case "BOOLEAN":
            return isinstance(value, bool)
        case "INTEGER" | "NUMBER" as kind:
            fits = isinstance(value, int if kind == "INTEGER" else int | float) and not isinstance(value, bool)
            return fits and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        case "ARRAY":
            fits = isinstance(value, list) and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
            return fits and all(valid(schema["items"], item) for item in value)
        case "OBJECT":
            fits = isinstance(value, dict) and set(schema["required"]) <= set(value)
            return fits and all(valid(schema["properties"][k], v) for k, v in value.items())
    return False


@given(st.recursive(leaves(), containers, max_leaves=12), st.text())
def test_whatever_is_asked_is_answered_validly_and_the_same_every_time(schema, text):
    """Any schema of the common shape, any prompt."""
    value = fill(schema, text)

    assert valid(schema, value)
    assert value == fill(schema, text)


@given(st.recursive(leaves(), containers, max_leaves=8))
def test_choices_cannot_break_a_schema(schema):
    """Whatever a purpose chooses is fitted or left out."""

    class Wild(Choices):
        def value(self, path: Any, schema: dict[str, Any]) -> Any:
            return [10**6, "word " * 50, True, None, -5.5, UNSET][len(str(path)) % 6]

        def count(self, path: Any, schema: dict[str, Any]) -> int | None:
            return 9

    assert valid(schema, fill(schema, PROMPT, Wild()))


def test_strings_come_from_the_prompt():
    """Sentences in turn, folded, without lines that say nothing."""
    schema = {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 4}

    assert sentences(PROMPT) == ["Tell me about caching.", "It was slow on Monday!", "Why?"]
    assert fill(schema, PROMPT) == ["Tell me about caching.", "It was slow on Monday!", "Why?", "Tell me about caching."]


def test_ids_name_their_place_and_free_objects_get_a_key():
    """An id is readable; a map gets one entry."""
    assert fill({"type": "OBJECT", "properties": {"id": {"type": "STRING"}}}, PROMPT) == {"id": "id"}
    assert fill({"type": "OBJECT", "properties": {}, "key": {"type": "INTEGER", "minimum": 3, "maximum": 3}}, PROMPT) == {
        "first": 3
    }


@pytest.mark.parametrize(
    "pattern", [r"^[a-z]{3}-\d{2,4}$", r"q(\d+|x)", r"[^a]b?", r"\w+@example\.org", r"^(yes|no)$", r"[^\s]", "."]
)
def test_patterns_are_met(pattern):
    """A string for a regular expression."""
    assert re.search(pattern, sample(pattern))
    assert re.search(pattern, fill({"type": "STRING", "pattern": pattern}, PROMPT))


def test_fitting():
    """Numbers are brought inside their bounds, texts cut and padded, other kinds refused."""
    assert fit({"type": "INTEGER", "maximum": 10}, 99.4) == 10
    assert fit({"type": "STRING", "maxLength": 3, "minLength": 3}, "abcdef") == "abc"
    assert fit({"type": "STRING", "enum": ["a"]}, "b") is UNSET
    assert fit({"type": "STRING"}, 3) is UNSET
    assert fit({"type": "STRING"}, None) is UNSET
