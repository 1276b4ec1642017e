"""Settings of the director: how long it is waited for, and what it may spend while candidates speak (docs: the-director)."""

from __future__ import annotations

from pydantic import BaseModel, Field


class DirectorSettings(BaseModel):
    """The part about live follow-ups; it counts only where a language model's key is set."""

    director_wait_seconds: float = Field(
        1.9,
        ge=0.2,
        le=2.5,
        description="How long a live tool call waits for the language model before the prepared follow-up is given.",
    )
    director_speculate: bool = Field(
        True,
        description="Judge answers while they are being given, so that follow-ups are ready; `false` asks only when one is due.",
    )
    director_calls_per_question: int = Field(
        8, ge=0, le=50, description="Most requests to the language model about one question."
    )
    director_tokens_per_question: int = Field(
        12_000, ge=0, le=200_000, description="Tokens about one question, in and out, after which no more requests are made."
    )
    director_spent_to_used: float = Field(
        1.5, ge=1, le=10, description="Tokens spent ahead of need may be this many times those that were then used."
    )
