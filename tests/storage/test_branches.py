"""Which interview repeats which answer (M15)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bridge.domain.branch import Branch
from bridge.domain.session import SessionStatus
from bridge.errors import Conflict, NotFound
from storage.database import Database

from .samples import session, stored


async def test_links_are_kept_and_go_with_their_interview(database: Database) -> None:
    """One link a repeat; repeats that were not held are no attempts; a purge takes the link."""
    origin, repeat, waiting = await stored(database), await stored(database, status=SessionStatus.COMPLETED), session()
    async with database.begin() as tx:
        await tx.add_session(waiting)
        await tx.add_branch(Branch(repeat.id, origin.id, "q-1"))
        await tx.add_branch(Branch(waiting.id, origin.id, "q-2"))
        assert Branch(repeat.id, origin.id, "q-1") == await tx.branch(repeat.id)
        assert await tx.branch(origin.id) is None
        assert await tx.branch("none") is None
        assert [(repeat.id, "q-1", None)] == [(a.session_id, a.question_id, a.score) for a in await tx.attempts(origin.id)]
    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.add_branch(Branch(repeat.id, origin.id, "q-2"))
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.add_branch(Branch(str(uuid4()), origin.id, "q-1"))
    async with database.begin() as tx:
        await tx.purge_session(repeat.id)
        assert await tx.branch(repeat.id) is None
