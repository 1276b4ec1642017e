"""The queue of reviews in the database (C-58)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from bridge.domain.reviewing import Mark, Review
from bridge.errors import Conflict
from bridge.usecases import reviewing
from storage.database import Database

from .samples import NOW, stored

REVIEWERS = 8


async def asked(database: Database, due_days: int = 5) -> Review:
    """An interview that waits for a reviewer."""
    session = await stored(database)
    review = Review(session.id, session.user_id, "2026-11", NOW, NOW + timedelta(days=due_days))
    async with database.begin() as tx:
        assert await tx.add_review(review)
        assert not await tx.add_review(review), "it is in the queue once"
    return review


async def test_a_review_comes_back_as_it_was_kept(database: Database) -> None:
    """C-58: every field, scores that are there and that are not."""
    review = await asked(database)
    made = replace(
        review, reviewer_id=str(uuid4()), taken_at=NOW, done_at=NOW + timedelta(hours=2), comment="Clear.\nGo on.",
        marks=(Mark("q1", 0, "No."), Mark("q2", None)),
    )  # fmt: skip
    async with database.begin() as tx:
        await tx.save_review(made)
    async with database.read() as tx:
        assert made == await tx.review(review.session_id)
        assert [made] == await tx.reviews_by(made.reviewer_id or "", limit=10)
        assert 1 == await tx.reviews_in(review.user_id or "", "2026-11")
        assert 0 == await tx.reviews_in(review.user_id or "", "2026-12")


async def test_the_earliest_deadline_comes_first(database: Database) -> None:
    """C-58: the order of work, and how many are late, for the deadline metric."""
    late, soon, calm = await asked(database, -1), await asked(database, 1), await asked(database, 9)
    done = replace(await asked(database, -3), done_at=NOW)
    async with database.begin() as tx:
        await tx.save_review(done)
    async with database.read() as tx:
        assert [late, soon, calm] == await tx.open_reviews(limit=10)
        assert (3, 1) == await tx.review_counts(NOW)


async def test_of_many_reviewers_at_once_one_gets_it(database: Database) -> None:
    """C-58: two do not do the same; the others are told so."""
    review = await asked(database)
    async with database.read() as tx:
        session = await tx.session(review.session_id)
    assert session is not None

    async def take(who: str) -> str | None:
        try:
            async with database.begin() as tx:
                return (await reviewing.take(tx, session, who, NOW)).reviewer_id
        except Conflict:
            return None

    got = [who for who in await asyncio.gather(*(take(str(uuid4())) for _ in range(REVIEWERS))) if who]
    assert 1 == len(got)
    async with database.read() as tx:
        kept = await tx.review(review.session_id)
    assert kept is not None
    assert got == [kept.reviewer_id]


async def test_a_purge_takes_the_words_and_leaves_the_count(database: Database) -> None:
    """R-115, C-58: an open review goes with its interview; of a finished one stays that the month's was had, nothing that was said."""
    open_one, done = await asked(database), await asked(database)
    async with database.begin() as tx:
        await tx.save_review(replace(done, done_at=NOW, marks=(Mark("q1", 5, "You said it."),), comment="Words."))
        for review in (open_one, done):
            await tx.purge_session(review.session_id)
    async with database.read() as tx:
        assert await tx.review(open_one.session_id) is None
        assert replace(done, done_at=NOW) == await tx.review(done.session_id)
