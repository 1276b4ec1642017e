"""Facts of reports and sums over them, on both databases (R-126, R-127, C-44)."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.domain.setup import InterviewSetup
from bridge.domain.standing import Scores, TypeTotals
from bridge.errors import NotFound
from storage import tables
from storage.accounts import SINGLE_USER
from storage.database import Database

from .samples import NOW, facts, report, stored

OTHER = "00000000-0000-4000-8000-000000000002"


async def held(
    database: Database, score: int | None = 50, *, minutes: int = 0, user_id: str = SINGLE_USER, **changes: object
) -> str:
    """An interview that was held `minutes` after NOW, with its facts; returns its id."""
    interview_type = changes.pop("type", InterviewType.DSA)
    difficulty = changes.pop("difficulty", Difficulty.MEDIUM)
    at = NOW + timedelta(minutes=minutes)
    if user_id != SINGLE_USER:
        async with database.begin() as tx:
            row = {"id": user_id, "name": "", "role": "candidate", "created_at": NOW}
            await tx.connection.execute(tx.insert(tables.users).values(row).on_conflict_do_nothing())
    made = await stored(
        database,
        user_id=user_id,
        setup=InterviewSetup(interview_type, difficulty, 20, question_count=5),
        **{"status": SessionStatus.COMPLETED, "started_at": at, "created_at": at, "elapsed_ms": 61_900} | changes,
    )
    async with database.begin() as tx:
        await tx.save_facts(
            facts(made.id, user_id=user_id, type=interview_type, difficulty=difficulty, at=at, overall_score=score)
        )
    return made.id


async def test_facts_come_back_as_they_were(database: Database):
    """R-127: the newest first, each whole; a newer version of a report takes the place of the older one's."""
    ids = [await held(database, score, minutes=minutes) for minutes, score in ((0, 40), (10, None), (5, 60))]
    newer = facts(ids[0], at=NOW, overall_score=45, concepts={}, report_id="rep-2")
    async with database.begin() as tx:
        await tx.save_facts(newer)

    async with database.read() as tx:
        found = await tx.facts(SINGLE_USER, limit=10)
        assert [ids[1], ids[2], ids[0]] == [each.session_id for each in found]
        assert facts(ids[2], at=NOW + timedelta(minutes=5), overall_score=60) == found[1]
        assert newer == found[2]
        assert found[:2] == await tx.facts(SINGLE_USER, limit=2)
        assert [] == await tx.facts(SINGLE_USER, limit=5, type=InterviewType.BEHAVIORAL)
        assert [] == await tx.facts(OTHER, limit=5)
        assert [] == await tx.facts("none", limit=5)


async def test_facts_of_an_unknown_session_are_refused(database: Database):
    """R-171: nothing without its interview."""
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.save_facts(facts(str(uuid4())))


async def test_the_last_time_of_the_same_type(database: Database):
    """Delta to last time: scored, of this type, the person's own, and before the moment."""
    wanted = await held(database, 50, minutes=1)
    await held(database, 40)
    await held(database, None, minutes=2)
    await held(database, 60, minutes=3)
    await held(database, 70, minutes=2, type=InterviewType.BEHAVIORAL)
    await held(database, 70, minutes=2, user_id=OTHER)

    async with database.read() as tx:
        found = await tx.facts_before(SINGLE_USER, InterviewType.DSA, NOW + timedelta(minutes=3))
        assert found is not None
        assert wanted == found.session_id
        assert await tx.facts_before(SINGLE_USER, InterviewType.DSA, NOW) is None


async def test_totals_are_sums_over_what_was_held(database: Database):
    """R-126: count, time, average, best and last by type; what was never held, or was deleted, is not in it."""
    await held(database, 40)
    await held(database, 61, minutes=7, status=SessionStatus.PARTIAL)
    await held(database, None, minutes=5)
    await held(database, 90, type=InterviewType.SYSTEM_DESIGN)
    await held(database, 99, user_id=OTHER)
    for status in (SessionStatus.FAILED, SessionStatus.READY, SessionStatus.IN_PROGRESS):
        await stored(database, status=status, elapsed_ms=9_000_000)
    gone = await held(database, 100, minutes=60)
    async with database.begin() as tx:
        session = await tx.session(gone)
        assert session is not None
        await tx.save_session(replace(session, status=SessionStatus.DELETED))

    async with database.read() as tx:
        assert [
            TypeTotals(InterviewType.DSA, 3, 185, NOW + timedelta(minutes=7), 2, 50.5, 61),
            TypeTotals(InterviewType.SYSTEM_DESIGN, 1, 61, NOW, 1, 90.0, 90),
        ] == await tx.type_totals(SINGLE_USER)
        assert [] == await tx.type_totals("none")
        assert gone not in {each.session_id for each in await tx.facts(SINGLE_USER, limit=10)}


async def test_totals_say_when_they_are_out_of_date(database: Database):
    """R-126: whoever keeps sums can see that something has changed since."""
    async with database.read() as tx:
        assert await tx.changed_at(SINGLE_USER) is None
    made = await stored(database)
    async with database.begin() as tx:
        before = await tx.changed_at(SINGLE_USER)
        tx.now = lambda: NOW + timedelta(seconds=5)
        await tx.save_session(made)
        assert before == NOW
        assert before + timedelta(seconds=5) == await tx.changed_at(SINGLE_USER)
        assert await tx.changed_at(OTHER) is None


async def test_a_group_is_everybodys(database: Database):
    """C-44: one type and difficulty, scored ones only, whoever held them."""
    for n in range(1, 21):
        await held(database, n, user_id=SINGLE_USER if n % 2 else OTHER)
    await held(database, None)
    await held(database, 99, difficulty=Difficulty.HARD)
    await held(database, 99, type=InterviewType.BEHAVIORAL)

    async with database.read() as tx:
        assert Scores(2, dict.fromkeys(range(1, 21), 1)) == await tx.scores(InterviewType.DSA, Difficulty.MEDIUM)
        assert Scores(1, {99: 1}) == await tx.scores(InterviewType.DSA, Difficulty.HARD)
        assert Scores() == await tx.scores(InterviewType.DSA, Difficulty.EXPERT)


async def test_reports_that_were_written_before_facts_were_kept(database: Database):
    """R-126: each is found once, by its newest version, in steps."""
    known = await held(database, 50)
    older = sorted(
        [(await stored(database, status=SessionStatus.PARTIAL, report_status=ReportStatus.READY)).id for _ in range(3)]
    )
    deleted = await stored(database, status=SessionStatus.DELETED)
    async with database.begin() as tx:
        for session_id in (known, deleted.id, *older):
            await tx.add_report(report(session_id))
            await tx.add_report(report(session_id, 2))

    async with database.read() as tx:
        first = await tx.reports_without_facts(after="", limit=2)
        rest = await tx.reports_without_facts(after=first[-1].session_id, limit=2)

    assert older == [each.session_id for each in (*first, *rest)]
    assert {2} == {each.version for each in (*first, *rest)}
