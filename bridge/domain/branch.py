"""One question answered again: an interview of its own that remembers which answer it repeats (M15). Read next: `usecases.answer_again`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Branch:
    """The link from the repeat to what is repeated."""

    session_id: str
    """The repeat."""
    origin_id: str
    question_id: str


@dataclass(frozen=True)
class Attempt:
    """A repeat as the report of the first answer shows it."""

    session_id: str
    question_id: str
    at: datetime
    score: int | None
    """Of its newest report; None while there is none."""
