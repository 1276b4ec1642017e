"""Schemas for Gemini: only what it takes, bounds in words, and an error of ours where there is no honest form (C-28)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from bridge.clients.gemini_schema import gemini_schema
from bridge.wire.written_questions import WrittenQuestions
from web.standins.gemini_models import MODELS
from web.standins.gemini_schemas import check_size, from_json_schema

TAKEN = {"type", "properties", "required", "items", "enum", "description", "anyOf"}


class Colour(StrEnum):
    """Two of them."""

    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    """The inside."""

    name: str = Field("x", min_length=1, max_length=20, description="What it is called", pattern="^x")
    colour: Colour
    kind: Literal["only"]


class Tree(BaseModel):
    """The outside."""

    leaves: list[Leaf] = Field(min_length=1, max_length=3)
    weight: float | None = Field(None, ge=0, le=1)
    chosen: Leaf = Field(description="The best one")
    tall: bool
    count: int = Field(ge=1)


class Loop(BaseModel):
    """Contains itself."""

    inside: list[Loop] = []


class Free(BaseModel):
    """Anything goes."""

    values: dict[str, int]


class Either(BaseModel):
    """A union."""

    value: int | str


class Pair(BaseModel):
    """A tuple."""

    pair: tuple[int, str]


class Open(BaseModel):
    """A value of any type."""

    value: Any


class Numbers(BaseModel):
    """An enum of numbers."""

    value: Literal[1, 2]


def deep(levels: int) -> type[BaseModel]:
    """Objects in each other."""
    from pydantic import create_model

    inside: Any = str
    for n in range(levels):
        inside = create_model(f"Level{n}", below=(inside, ...))
    return inside


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema in a schema."""
    yield schema
    for child in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from nodes(child)
    if "items" in schema:
        yield from nodes(schema["items"])


def test_a_model_in_gemini_s_words():
    """C-28: references resolved, no defaults, titles, patterns or bounds; None as an alternative; bounds said in words."""
    leaf = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What it is called (1 to 20 characters)"},
            "colour": {"type": "string", "enum": ["red", "blue"], "description": "Two of them."},
            "kind": {"type": "string", "enum": ["only"]},
        },
        "required": ["colour", "kind"],
        "description": "The inside.",
    }

    assert gemini_schema(Tree) == {
        "type": "object",
        "properties": {
            "leaves": {"type": "array", "items": leaf, "description": "(1 to 3 items)"},
            "weight": {"anyOf": [{"type": "number", "description": "(0 to 1)"}, {"type": "null"}]},
            "chosen": leaf | {"description": "The best one"},
            "tall": {"type": "boolean"},
            "count": {"type": "integer", "description": "(at least 1)"},
        },
        "required": ["leaves", "chosen", "tall", "count"],
        "description": "The outside.",
    }


@pytest.mark.parametrize("model", [Loop, Free, Either, Pair, Open, Numbers, deep(6)])
def test_what_gemini_would_refuse_is_refused_here(model: type[BaseModel]):
    """C-28: a mistake is found when it is made, with its place."""
    with pytest.raises(TypeError, match=r"\w+(\.\w+|\[\])*: "):
        gemini_schema(model)


@pytest.mark.parametrize("model", [Tree, WrittenQuestions, deep(5)])
def test_what_is_sent_is_taken(model: type[BaseModel]):
    """C-28: only known keywords, and a size that a strict Gemini takes."""
    schema = gemini_schema(model)

    assert {key for node in nodes(schema) for key in node} <= TAKEN
    check_size(from_json_schema(schema, "response_json_schema"), MODELS["gemini-3.8-flash"])
