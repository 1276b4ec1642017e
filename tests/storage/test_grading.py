"""Gradings that were paid for and how far a report is, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import NotFound
from bridge.ports import StoredGrade
from storage.database import Database

from .samples import NOW, report, stored

GRADE = StoredGrade("a" * 64, 1, "gemini-3.8-flash", "report-grade.1", {"score": 7.5, "quotes": ["日本語 🙂"]}, NOW)


async def test_a_grading_is_kept_once(database: Database):
    """Item 6: the second answer to the same question changes nothing, another run stands beside it."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_grade(made.id, GRADE)
        await tx.add_grade(made.id, replace(GRADE, body={}))
        await tx.add_grade(made.id, replace(GRADE, run=2))
    async with database.read() as tx:
        assert await tx.grades(made.id) == [GRADE, replace(GRADE, run=2)]
        assert await tx.grades("no uuid") == []


async def test_progress_is_what_was_said_last(database: Database):
    """R-086: one row a session, gone when the report is there."""
    made = await stored(database)
    async with database.begin() as tx:
        for done in (1, 2):
            await tx.set_progress(made.id, {"step": "judging", "done": done})
    async with database.begin() as tx:
        assert await tx.progress(made.id) == {"step": "judging", "done": 2}
        await tx.drop_progress(made.id)
        await tx.drop_progress(made.id)
    async with database.read() as tx:
        assert await tx.progress(made.id) is None


@pytest.mark.parametrize("unknown", ["no uuid", "6f1e3c52-2f0b-4c1e-9a51-0d8f6f1e3c52"])
async def test_nothing_is_kept_of_an_unknown_interview(database: Database, unknown: str):
    """R-160: a row belongs to an interview."""
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.add_grade(unknown, GRADE)
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.set_progress(unknown, {})


async def test_they_go_with_the_words(database: Database):
    """R-115, P2: gradings quote the candidate."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_grade(made.id, GRADE)
        await tx.set_progress(made.id, {"step": "judging"})
        await tx.purge_session(made.id)
    async with database.read() as tx:
        assert await tx.grades(made.id) == []
        assert await tx.progress(made.id) is None


async def test_every_version_of_a_report_is_listed(database: Database):
    """C-33: oldest first."""
    made = await stored(database)
    second, first = report(made.id, 2), report(made.id, 1)
    async with database.begin() as tx:
        assert await tx.reports(made.id) == []
        await tx.add_report(second)
        await tx.add_report(first)
    async with database.read() as tx:
        assert await tx.reports(made.id) == [first, second]
