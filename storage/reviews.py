"""The queue of reviews by people: rows to domain and back (C-58). Read next: `payments`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from bridge.domain.reviewing import Mark, Review

from .columns import as_uuid
from .tables import reviews
from .transaction import TransactionPart


class ReviewRows(TransactionPart):
    """The part of a transaction about reviews."""

    async def add_review(self, review: Review) -> bool:
        """Put an interview into the queue; False when it is there already."""
        statement = self.insert(reviews).values(_values(review)).on_conflict_do_nothing(index_elements=["session_id"])
        return (await self.change(statement.returning(reviews.c.session_id))).scalar_one_or_none() is not None

    async def review(self, session_id: str, *, for_update: bool = False) -> Review | None:
        """An interview's, or None."""
        statement = select(reviews).where(reviews.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement.with_for_update() if for_update else statement)).one_or_none()
        return _review(row) if row else None

    async def save_review(self, review: Review) -> None:
        """Write who works on it and what came of it."""
        await self.change(update(reviews).where(reviews.c.session_id == review.session_id).values(_values(review)))

    async def reviews_in(self, user_id: str, month: str) -> int:
        """How many a person has asked for in a month."""
        wanted = (reviews.c.user_id == as_uuid(user_id), reviews.c.month == month)
        return int(await self.connection.scalar(select(func.count()).select_from(reviews).where(*wanted)) or 0)

    async def open_reviews(self, *, limit: int) -> list[Review]:
        """Those that are not done, the earliest deadline first."""
        return await self._found(
            select(reviews).where(reviews.c.done_at.is_(None)).order_by(reviews.c.due_at, reviews.c.session_id).limit(limit)
        )

    async def reviews_by(self, reviewer_id: str, *, limit: int) -> list[Review]:
        """A reviewer's finished ones, newest first."""
        wanted = (reviews.c.reviewer_id == as_uuid(reviewer_id), reviews.c.done_at.is_not(None))
        return await self._found(select(reviews).where(*wanted).order_by(reviews.c.done_at.desc()).limit(limit))

    async def review_counts(self, now: datetime) -> tuple[int, int]:
        """How many are not done, and how many of these are late."""
        late = func.count().filter(reviews.c.due_at < now)
        row = (await self.connection.execute(select(func.count(), late).where(reviews.c.done_at.is_(None)))).one()
        return int(row[0]), int(row[1])

    async def _found(self, statement: Select[Any]) -> list[Review]:
        return [_review(row) for row in await self.connection.execute(statement)]


def _values(review: Review) -> dict[str, Any]:
    row = {name: getattr(review, name) for name in Review.__dataclass_fields__ if name != "marks"}
    return row | {"scores": [asdict(mark) for mark in review.marks]}


def _review(row: Row[Any]) -> Review:
    fields = {name: getattr(row, name) for name in Review.__dataclass_fields__ if name != "marks"}
    return Review(marks=tuple(Mark(**mark) for mark in row.scores), **fields)
