"""A transaction's part about reviews by people (C-58)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.reviewing import Review


class ReviewTx(Protocol):
    """The queue."""

    async def add_review(self, review: Review) -> bool:
        """Put an interview into the queue; False when it is there already."""

    async def review(self, session_id: str, *, for_update: bool = False) -> Review | None:
        """An interview's, or None."""

    async def save_review(self, review: Review) -> None:
        """Write who works on it and what came of it."""

    async def reviews_in(self, user_id: str, month: str) -> int:
        """How many a person has asked for in a month."""

    async def open_reviews(self, *, limit: int) -> list[Review]:
        """Those that are not done, the earliest deadline first."""

    async def reviews_by(self, reviewer_id: str, *, limit: int) -> list[Review]:
        """A reviewer's finished ones, newest first."""

    async def review_counts(self, now: datetime) -> tuple[int, int]:
        """How many are not done, and how many of these are late."""
