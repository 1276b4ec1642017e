"""What is kept of a report is what the report says (R-127, M13)."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.standing import Points
from bridge.ports import StoredReport
from reporting import facts
from reporting.facts import concepts, facts_of, make_missing
from reporting.job import write_report
from storage.database import Database

from .conftest import Stored
from .samples import FULL, HALF, NOW, Play, played


def stored_report(play: Play, version: int = 1) -> StoredReport:
    """The report of an interview as it is stored."""
    body = play.report()
    return StoredReport(
        body["reportId"], play.session().id, version, NOW, body["overallScore"], f"hash-{version}-{body['reportId']}", body
    )


def test_facts_are_the_reports_numbers() -> None:
    """R-127: scores that are there, and nothing where nothing was assessed."""
    play = played(FULL, HALF, None)
    session, report = play.session(), stored_report(play)
    got = facts_of(session, report)

    assert (session.id, session.user_id, report.id, NOW) == (got.session_id, got.user_id, got.report_id, got.at)
    assert report.body["overallScore"] == got.overall_score
    assert {"timeManagement": report.body["scoreBreakdown"]["timeManagement"]} == got.dimensions
    assert {"caching": report.body["coverage"]["byFocusArea"][0]["score"]} == got.areas


def test_key_points_are_counted_by_concept() -> None:
    """M13: both questions teach lesson 4.1; a point in part counts as half missed; what was not answered is not counted."""
    play = played(FULL, HALF, None)

    assert {"scaling-out": Points(4, 0.5)} == concepts(play.session(), play.report())


def test_a_point_of_an_unknown_lesson_belongs_to_its_area() -> None:
    """C-45: nothing is invented for a question that is in no curriculum."""
    play = played("I have no cache.")
    play.questions = (replace(play.questions[0], lesson="9.9"), *play.questions[1:])

    assert {"area:caching": Points(2, 1.0)} == concepts(play.session(), play.report())


async def test_facts_are_written_with_the_report(store: Database, stored: Stored) -> None:
    """R-126: in the same transaction, so a report never lacks them."""
    session_id = await stored(played(FULL, HALF))
    await write_report(store, session_id)

    async with store.read() as tx:
        session, report = await tx.session(session_id), await tx.report(session_id)
        assert session is not None
        assert report is not None
        assert [facts_of(session, report)] == await tx.facts(session.user_id, limit=5)


async def test_missing_facts_are_made_once(store: Database, stored: Stored, monkeypatch) -> None:
    """R-126: after an upgrade every older report gets its facts, in steps smaller than all of them."""
    monkeypatch.setattr(facts, "BATCH", 2)
    plays = [played(FULL), played(HALF), played(FULL, HALF)]
    reports = {}
    for play in plays:
        session_id = await stored(play)
        reports[session_id] = replace(stored_report(play), id=f"report-{session_id}", session_id=session_id)
        async with store.begin() as tx:
            await tx.add_report(reports[session_id])

    assert await make_missing(store) == 3
    assert await make_missing(store) == 0
    async with store.read() as tx:
        user_id = await tx.single_user()
        found = await tx.facts(user_id, limit=9)
    assert {session_id: report.overall_score for session_id, report in reports.items()} == {
        each.session_id: each.overall_score for each in found
    }
