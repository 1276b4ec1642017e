"""Bodies of the operators' API."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ..schemas import Model

MAX_WORDS = 500
"""Characters of a whisper or of words to say."""
MAX_EXTENSION = 30


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise ValueError("Write something first.")
    return text


class Words(Model):
    """A whisper, or words to say."""

    text: Annotated[str, Field(max_length=MAX_WORDS), AfterValidator(_one_line)]


class Extension(Model):
    """More time."""

    minutes: int = Field(ge=1, le=MAX_EXTENSION, strict=True)


class End(Model):
    """How to end."""

    now: bool = Field(False, strict=True)
