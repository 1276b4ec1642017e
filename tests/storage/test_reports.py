"""Report versions, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from bridge.errors import Conflict
from storage.database import Database

from .samples import report, stored


async def test_the_newest_version_is_the_report(database: Database):
    """C-33: versions are kept, the newest is shown, its body as it was written."""
    made = await stored(database)
    first, second = report(made.id, 1), report(made.id, 2, overall_score=None)

    async with database.begin() as tx:
        assert await tx.report(made.id) is None
        assert await tx.add_report(second) is True
        assert await tx.add_report(first) is True

    async with database.read() as tx:
        assert second == await tx.report(made.id)


async def test_the_same_content_is_never_written_twice(database: Database):
    """C-23: a job that runs again changes nothing, and its transaction goes on."""
    made, other = await stored(database), await stored(database)
    first = report(made.id)
    async with database.begin() as tx:
        assert await tx.add_report(first) is True

    async with database.begin() as tx:
        assert await tx.add_report(replace(first, id="again", version=2)) is False
        assert await tx.add_report(report(other.id, content_hash=first.content_hash)) is True

    async with database.read() as tx:
        assert first == await tx.report(made.id)
        assert await tx.report(other.id) is not None


async def test_a_taken_version_is_a_conflict(database: Database):
    """C-33: two writers never both write version 1."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_report(report(made.id))

    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.add_report(report(made.id, content_hash="other"))


@pytest.mark.parametrize("impossible", [{"overall_score": 101}, {"overall_score": -1}, {"version": 0}])
async def test_impossible_numbers_are_refused(database: Database, impossible):
    """R-168, R-171: the database checks scores and versions itself."""
    made = await stored(database)

    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.add_report(replace(report(made.id), **impossible))
