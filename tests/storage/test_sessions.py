"""Sessions, questions, users and the queries over them, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.domain.setup import InterviewSetup
from bridge.domain.sharing import ReportMail
from bridge.errors import Conflict, NotFound
from bridge.ports import HistoryRow
from storage import tables
from storage.accounts import SINGLE_USER
from storage.database import Database

from .samples import NOW, cost, delivery, engine_call, facts, kept, question, report, said, segment, session, share, stored, turn

STRANGE_IDS = [
    "",
    "1",
    "../../etc/passwd",
    "{" + str(uuid4()) + "}",
    f"urn:uuid:{uuid4()}",
    "\0",
    "\ud800",
    "x" * 10_000,
]


async def test_a_session_comes_back_as_it_was(database: Database):
    """R-161…R-166: every field of the session, its choice and its questions survives."""
    made = await stored(
        database,
        status=SessionStatus.INTERRUPTED,
        engine="vapi",
        call_id="vapi-1",
        started_at=NOW,
        interrupted_at=NOW + timedelta(minutes=1),
        ended_at=NOW + timedelta(minutes=2),
        end_reason="time",
        elapsed_ms=61_234,
        report_status=ReportStatus.RUNNING,
        has_recording=True,
    )

    async with database.read() as tx:
        assert made == await tx.session(made.id)
        assert made == await tx.session(made.id.upper())


async def test_times_keep_their_instant(database: Database):
    """R-163, C-36: a time from another zone comes back as the same instant in UTC."""
    india = timezone(timedelta(hours=5, minutes=30))
    made = await stored(database, created_at=datetime(2026, 11, 25, 18, 0, tzinfo=india))

    async with database.read() as tx:
        found = await tx.session(made.id)

    assert found is not None
    assert datetime(2026, 11, 25, 12, 30, tzinfo=UTC) == found.created_at
    assert UTC is found.created_at.tzinfo


async def test_a_time_without_a_zone_is_refused(database: Database):
    """C-36: a naive time cannot get in."""
    with pytest.raises(StatementError, match="without a zone"):
        await stored(database, created_at=datetime(2026, 11, 25))  # noqa: DTZ001 - that is the point


async def test_text_that_a_database_refuses_is_cleaned(database: Database):
    """Contract 6: NUL and lone surrogates never break a write, on either database."""
    made = session(questions=(question(1, text="a\0b\ud800c"),))
    made = replace(made, setup=replace(made.setup, company="\0", role="\udfff"))
    async with database.begin() as tx:
        await tx.single_user()
        await tx.add_session(made)

    async with database.read() as tx:
        found = await tx.session(made.id)

    assert found is not None
    assert found.questions[0].text == "a\ufffdb\ufffdc"
    assert (found.setup.company, found.setup.role) == ("\ufffd", "\ufffd")


@pytest.mark.parametrize("strange", STRANGE_IDS, ids=range(len(STRANGE_IDS)))
async def test_a_strange_id_is_unknown(database: Database, strange: str):
    """Contract 6: an id that is no UUID is unknown, never an error."""
    async with database.begin() as tx:
        assert await tx.session(strange, for_update=True) is None
        assert await tx.events(strange) == []
        assert await tx.turns(strange) == []
        assert await tx.segments(strange) == []
        assert await tx.report(strange) is None
        assert await tx.take_ticket("hash", strange, now=NOW) is None
        assert await tx.history(strange, page=1, limit=10) == ([], 0)
        assert frozenset() == await tx.recent_question_ids(strange, "dsa", sessions=3)
        await tx.purge_session(strange)


@pytest.mark.parametrize("unknown", ["6f1e3c52-2f0b-4c1e-9a51-0d8f6f1e3c52", "no-uuid"])
async def test_writing_to_an_unknown_session(database: Database, unknown: str):
    """C-25: it is not found, on either database, whatever is written."""
    writes = [
        lambda tx: tx.save_session(session(id=unknown)),
        lambda tx: tx.append_events(unknown, [(1, said())], turns=[], segments=[]),
        lambda tx: tx.add_ticket("hash", unknown, purpose="start", expires_at=NOW),
        lambda tx: tx.add_report(report(unknown)),
    ]
    for write in writes:
        with pytest.raises(NotFound):
            async with database.begin() as tx:
                await write(tx)


async def test_saving_writes_what_changes_and_nothing_else(database: Database):
    """C-29, C-60: status, call, times, engine, report status and recording; the choice and the questions stay."""
    made = await stored(database)
    changed = replace(
        made,
        status=SessionStatus.COMPLETED,
        engine="gemini",
        call_id="c-1",
        started_at=NOW,
        ended_at=NOW,
        end_reason="finished",
        elapsed_ms=5,
        report_status=ReportStatus.QUEUED,
        has_recording=True,
    )

    async with database.begin() as tx:
        await tx.save_session(replace(changed, setup=InterviewSetup(InterviewType.DSA, Difficulty.EASY, 5), questions=()))

    async with database.read() as tx:
        assert changed == await tx.session(made.id)


async def test_an_interview_is_added_once(database: Database):
    """R-161: the same id again is a conflict, and the first stays."""
    made = await stored(database)

    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.add_session(replace(made, status=SessionStatus.FAILED))

    async with database.read() as tx:
        assert made == await tx.session(made.id)


async def test_one_call_belongs_to_one_session(database: Database):
    """R-171: (engine, call id) is unique."""
    await stored(database, engine="vapi", call_id="same")

    with pytest.raises(Conflict):
        await stored(database, engine="vapi", call_id="same")


async def test_an_unknown_user_has_no_interviews(database: Database):
    """R-160: a session belongs to a user that exists."""
    with pytest.raises(NotFound, match="user"):
        await stored(database, user_id=str(uuid4()))


async def test_the_single_user_is_made_once(database: Database):
    """R-160: the same id always; a reader may ask before it exists."""
    async with database.read() as tx:
        assert await tx.single_user() == SINGLE_USER
    async with database.begin() as tx:
        assert await tx.single_user() == SINGLE_USER
        assert await tx.single_user() == SINGLE_USER
        assert await tx.connection.scalar(text("SELECT count(*) FROM users")) == 1


async def test_sessions_by_status(database: Database):
    """M1: the sweeper finds every session in the statuses it asks for, questions included."""
    waiting = await stored(database, status=SessionStatus.INTERRUPTED)
    live = await stored(database, status=SessionStatus.IN_PROGRESS, created_at=NOW + timedelta(seconds=1))
    await stored(database, status=SessionStatus.READY)

    async with database.read() as tx:
        assert [waiting, live] == await tx.sessions_with({SessionStatus.INTERRUPTED, SessionStatus.IN_PROGRESS})
        assert await tx.sessions_with([]) == []


async def test_history_is_newest_first_without_deleted_ones(database: Database):
    """R-095: one line an interview, its score from the newest report, the total beside the page."""
    old = await stored(database, status=SessionStatus.COMPLETED, elapsed_ms=61_999, report_status=ReportStatus.READY)
    new = await stored(database, created_at=NOW + timedelta(days=1))
    await stored(database, status=SessionStatus.DELETED, created_at=NOW + timedelta(days=2))
    async with database.begin() as tx:
        await tx.add_report(report(old.id, 1))
        await tx.add_report(report(old.id, 2))

    expected = [
        HistoryRow(
            new.id, "dsa", "medium", None, new.created_at, 0, SessionStatus.READY, ReportStatus.NONE
        ),
        HistoryRow(
            old.id, "dsa", "medium", 72, old.created_at, 61, SessionStatus.COMPLETED, ReportStatus.READY
        ),
    ]  # fmt: skip
    async with database.read() as tx:
        assert (expected, 2) == await tx.history(SINGLE_USER, page=1, limit=10)
        assert (expected[:1], 2) == await tx.history(SINGLE_USER, page=1, limit=1)
        assert (expected[1:], 2) == await tx.history(SINGLE_USER, page=2, limit=1)
        assert await tx.history(SINGLE_USER, page=10**30, limit=10) == ([], 2)
        assert await tx.history(str(uuid4()), page=1, limit=10) == ([], 0)


async def test_history_by_type_and_difficulty(database: Database):
    """R-095: filters; an unknown one matches nothing."""
    easy = session().setup
    wanted = await stored(database, setup=replace(easy, type=InterviewType.JAVASCRIPT, difficulty=Difficulty.HARD))
    await stored(database)

    async with database.read() as tx:
        rows, total = await tx.history(SINGLE_USER, page=1, limit=10, type="javascript", difficulty="hard")
        assert ([wanted.id], 1) == ([row.session_id for row in rows], total)
        assert await tx.history(SINGLE_USER, page=1, limit=10, type="cobol") == ([], 0)
        assert await tx.history(SINGLE_USER, page=1, limit=10, difficulty="' OR 1=1 --") == ([], 0)


async def test_recent_questions_are_those_of_the_last_started_interviews(database: Database):
    """R-037: only started ones of this type count, newest first."""
    await stored(database, started_at=NOW, questions=(question(1),))
    await stored(database, started_at=NOW + timedelta(days=1), questions=(question(2), question(3)))
    await stored(database, started_at=NOW + timedelta(days=2), questions=(question(4),))
    await stored(database, questions=(question(5),))

    async with database.read() as tx:
        assert {"q-2", "q-3", "q-4"} == await tx.recent_question_ids(SINGLE_USER, "dsa", sessions=2)
        assert frozenset() == await tx.recent_question_ids(SINGLE_USER, "javascript", sessions=2)
        assert frozenset() == await tx.recent_question_ids(SINGLE_USER, "cobol", sessions=2)


async def test_ended_interviews_without_a_report(database: Database):
    """R-072: the safety net sees completed and partial ones that have neither a report nor a failed one."""
    missing = await stored(database, status=SessionStatus.COMPLETED, report_status=ReportStatus.QUEUED)
    partial = await stored(database, status=SessionStatus.PARTIAL, created_at=NOW + timedelta(seconds=1))
    has = await stored(database, status=SessionStatus.COMPLETED, report_status=ReportStatus.READY)
    await stored(database, status=SessionStatus.COMPLETED, report_status=ReportStatus.FAILED)
    await stored(database, status=SessionStatus.FAILED)
    async with database.begin() as tx:
        await tx.add_report(report(has.id))

    async with database.read() as tx:
        assert [missing.id, partial.id] == await tx.ended_without_report()


async def test_purging_leaves_the_bare_row(database: Database):
    """R-115, C-34: what was said, asked, written and wished is gone; others keep theirs; a repeat does nothing.

    The vendor's call stays until the vendor's copy is deleted by its id, and so does what it cost.
    """
    made = await stored(database, status=SessionStatus.DELETED)
    other = await stored(database)
    for n, one in enumerate((made, other)):
        async with database.begin() as tx:
            await tx.append_events(one.id, [(1, said())], turns=[turn()], segments=[segment()])
            await tx.add_ticket(f"hash-{one.id}", one.id, purpose="start", expires_at=NOW)
            await tx.add_report(report(one.id))
            await tx.save_facts(facts(one.id))
            await tx.add_share(share(one.id), f"hash-{one.id}")
            await tx.ask_mail(ReportMail(one.id, "someone@example.org", NOW))
            await tx.add_engine_call(engine_call(one.id, n))
            await tx.add_cost(cost(one.id))

    for _ in range(2):
        async with database.begin() as tx:
            await tx.purge_session(made.id)

    async with database.read() as tx:
        bare = replace(
            made,
            questions=(),
            setup=replace(
                made.setup, other_areas=(), specific_requirements="", company="", role="", level="", cv="", job_description=""
            ),
        )
        assert bare == await tx.session(made.id)
        assert other == await tx.session(other.id)
        for table in tables.metadata.tables.values():
            if "session_id" in table.c:
                rows = (await tx.connection.execute(table.select())).all()
                if not rows:
                    # Filled by its own tests; `storage.personal` says what becomes of each.
                    continue
                left = {made.id, other.id} if table in (tables.engine_calls, tables.cost_entries) else {other.id}
                assert left == {row.session_id for row in rows}, table.name
        assert [engine_call(made.id, 0)] == await tx.engine_calls(made.id)
        assert [kept(cost(made.id))] == await tx.costs(made.id)


async def test_purging_empties_the_webhooks_of_its_calls(database: Database):
    """R-115, C-34: both of its calls' webhooks, also one that comes after the purge; a repeat of one is still known."""
    made, other = await stored(database, status=SessionStatus.DELETED), await stored(database)
    async with database.begin() as tx:
        for one, n in ((made, 1), (made, 2), (other, 3)):
            await tx.add_engine_call(engine_call(one.id, n))
        for call_id in ("call-1", "call-2", "call-3", "unknown", None):
            await tx.add_delivery("vapi", delivery(call_id=call_id), NOW)
        await tx.purge_session(made.id)

    whole = delivery().body
    async with database.begin() as tx:
        assert [{}, {}, whole, whole, whole] == [row.body for row in await tx.deliveries("vapi")]
        assert await tx.add_delivery("vapi", delivery(), NOW) is None
        late = await tx.add_delivery("vapi", delivery("report"), NOW)
        await tx.purge_session(made.id)
        assert [{}, {}] == [row.body for row in await tx.deliveries("vapi", call_id="call-1")]
        assert late is not None


@pytest.mark.parametrize("column", ["type", "difficulty", "status", "report_status"])
async def test_a_status_the_code_does_not_know_is_refused(database: Database, column: str):
    """R-171: the database's checks are the domain's enums, no more and no less."""
    members = tables.interview_sessions.c[column].type.enums
    await stored(database)
    update = text(f"UPDATE interview_sessions SET {column} = :value")
    for value in members:
        async with database.begin() as tx:
            await tx.connection.execute(update, {"value": value})

    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.connection.execute(update, {"value": "nonsense"})


async def test_a_session_gets_its_questions_later(database: Database):
    """R-018: stored without questions while they are written; then questions, configuration and status in one act."""
    made = await stored(database, questions=(), status=SessionStatus.SETUP)
    done = replace(
        made, questions=(question(1), question(2)), setup=replace(made.setup, language="de"), status=SessionStatus.READY
    )
    async with database.begin() as tx:
        await tx.finish_set_up(done)

    async with database.read() as tx:
        assert done == await tx.session(made.id)


async def test_questions_cannot_be_given_twice_or_to_nobody(database: Database):
    """R-171: a second set collides, an unknown session is not found, and neither leaves anything behind."""
    made = await stored(database, questions=(question(1),), status=SessionStatus.READY)
    for session_like, error in ((made, Conflict), (replace(made, id=str(uuid4())), NotFound)):
        with pytest.raises(error):
            async with database.begin() as tx:
                await tx.finish_set_up(session_like)

    async with database.read() as tx:
        assert made == await tx.session(made.id)


async def test_texts_asked_lately(database: Database):
    """R-037: the texts of the newest started interviews of the type, of this user."""
    for n in range(4):
        started = NOW + timedelta(hours=n) if n else None
        await stored(database, questions=(question(n, text=f"Question {n}"),), started_at=started)

    async with database.read() as tx:
        user = (await tx.session((await stored(database)).id)).user_id
        assert {"Question 3", "Question 2"} == set(await tx.recent_question_texts(user, "dsa", sessions=2))
        assert [] == await tx.recent_question_texts(user, "behavioral", sessions=2)
        assert [] == await tx.recent_question_texts(user, "cooking", sessions=2)
        assert [] == await tx.recent_question_texts(str(uuid4()), "dsa", sessions=2)
