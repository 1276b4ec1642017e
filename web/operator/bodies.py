"""Bodies of the operators' API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.domain.catalog import InterviewType
from bridge.domain.session import ReportStatus, SessionStatus

from ..schemas import Model

MAX_WORDS = 500
"""Characters of a whisper or of words to say."""
MAX_EXTENSION = 30


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise ValueError("Write something first.")
    return text


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Words(Model):
    """A whisper, or words to say."""

    text: Annotated[str, Field(max_length=MAX_WORDS), AfterValidator(_one_line)]


class Extension(Model):
    """More time."""

    minutes: int = Field(ge=1, le=MAX_EXTENSION, strict=True)


class End(Model):
    """How to end."""

    now: bool = Field(False, strict=True)


class SessionFilter(Model):
    """What a session is looked for by; all of it together."""

    status: SessionStatus | None = None
    type: InterviewType | None = None
    engine: Annotated[str, Field(pattern="^[a-z]{1,20}$")] | None = None
    report: ReportStatus | None = None
    id: Annotated[str, Field(pattern="^[0-9a-fA-F-]{0,36}$")] = ""
    since: Annotated[datetime, AfterValidator(_aware)] | None = None
    rating: int | None = Field(None, ge=1, le=5)
    page: int = Field(1, ge=1, le=1_000_000)


class JobWish(Model):
    """Which job."""

    kind: Annotated[str, Field(max_length=64)]
    key: Annotated[str, Field(max_length=300)]


Comment = Annotated[str, Field(max_length=4_000), AfterValidator(str.strip)]


class ScoreWish(Model):
    """What a reviewer says of one question; no score where nothing was answered."""

    question_id: Annotated[str, Field(max_length=64)]
    score: int | None = Field(None, ge=0, le=100, strict=True)
    comment: Comment = ""


class ReviewWish(Model):
    """A review that is handed in."""

    scores: Annotated[list[ScoreWish], Field(min_length=1, max_length=100)]
    comment: Comment = ""
