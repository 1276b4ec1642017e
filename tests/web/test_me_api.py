"""A person's own numbers over the API and on their page (R-126, R-127, C-44, M13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.setup import InterviewSetup
from reporting.standing import MIN_GROUP

from .house import House, add_user, copy_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR = timedelta(hours=1)
HARD = InterviewSetup(InterviewType.BEHAVIORAL, Difficulty.HARD, 15, question_count=3)


async def test_before_the_first_interview(house: House) -> None:
    """R-126: zeros and nulls, an empty page that says what will be there, and no script or chart of nothing."""
    status, numbers = await house.call("GET", "/api/me/statistics")
    assert 200 == status
    assert (0, None, None, {}) == (numbers["totalInterviews"], numbers["averageScore"], numbers["trend"], numbers["byType"])
    assert {"amount": 0, "currency": "INR", "reason": "payments_off"} == numbers["totalSpent"]
    assert (200, 0) == ((progress := await house.call("GET", "/api/me/progress"))[0], progress[1]["interviews"])

    response, page = await house.fetch("GET", "/progress")
    assert 200 == response.status
    assert "Nothing to show yet" in page
    assert 'role="img"' not in page


async def test_numbers_follow_the_interviews(house: House) -> None:
    """R-126, R-127: two of one type make a trend; deleting one takes it out of everything at once."""
    now = datetime.now(UTC)
    first = await house.finished(
        answers=["I do not know.", "No idea at all, sorry.", "Nothing comes to mind."], now=now - 2 * HOUR
    )
    second = await house.finished(now=now - HOUR)

    _, numbers = await house.call("GET", "/api/me/statistics")
    _, history = await house.call("GET", "/api/interviews/history")
    scores = {item["sessionId"]: item["score"] for item in history["interviews"]}
    assert scores[second.id] > scores[first.id]
    assert (2, 2, scores[second.id]) == (numbers["totalInterviews"], numbers["scoredInterviews"], numbers["bestScore"])
    assert scores[second.id] - scores[first.id] == numbers["trend"]["change"]
    assert 2 == numbers["byType"]["system-design"]["interviews"]
    assert second.started_at is not None
    assert second.started_at.strftime("%Y-%m-%dT%H:%M:%SZ") == numbers["lastInterviewAt"]

    _, progress = await house.call("GET", "/api/me/progress")
    assert [first.id, second.id] == [point["sessionId"] for point in progress["types"][0]["points"]]
    weak = progress["weaknesses"]
    assert weak
    assert all(item["state"] in ("new", "improving") for item in weak)

    _, page = await house.fetch("GET", "/progress")
    assert 'aria-label="All interviews: ' in page
    assert f"/interviews/{first.id}/report" in page
    assert "/?type=system-design&amp;difficulty=medium" in page

    await house.call("DELETE", f"/api/interviews/{first.id}")
    _, numbers = await house.call("GET", "/api/me/statistics")
    assert (1, None) == (numbers["totalInterviews"], numbers["trend"])
    _, page = await house.fetch("GET", "/progress")
    assert first.id not in page


async def test_the_report_says_what_changed_and_where_it_stands(house: House) -> None:
    """R-077, R-088, C-44: delta to the last time of this type; comparison from the twentieth interview on, the same everywhere."""
    now = datetime.now(UTC)
    made = [await house.finished(setup=HARD, now=now - (MIN_GROUP - n) * HOUR) for n in range(MIN_GROUP - 1)]
    path = f"/api/interviews/{made[-1].id}/report"
    _, report = await house.call("GET", path)
    assert (None, "not enough interviews on this server yet") == (
        report["comparisonToStandards"]["averageForDifficulty"],
        report["comparisonToStandards"]["statusMessage"],
    )
    assert made[-2].id == report["sinceLastTime"]["sessionId"]
    assert report["overallScore"] - report["sinceLastTime"]["previousScore"] == report["sinceLastTime"]["change"]

    # A chain of jobs does the same; here the last one is written at once and the server forgets what it kept.
    await house.finished(setup=HARD, now=now)
    house.forget()
    _, report = await house.call("GET", path)
    compared = report["comparisonToStandards"]
    assert MIN_GROUP == compared["groupSize"]
    assert report["overallScore"] == compared["averageForDifficulty"] == compared["topPerformerScore"]
    assert 0 == compared["percentileRank"]
    assert 0 == report["suggestionForNextInterview"]["estimatedImprovement"]
    _, whole = await house.call("GET", f"/api/interviews/{made[-1].id}")
    assert report == whole["report"]
    _, page = await house.fetch("GET", f"/interviews/{made[-1].id}/report")
    assert compared["statusMessage"][1:] in page


async def test_a_strangers_interviews_count_for_nobody_else(house: House) -> None:
    """A1: numbers are the person's own."""
    _, before = await house.call("GET", "/api/me/statistics")
    mine = await house.finished()
    stranger = await add_user(house.store)
    await copy_for(house.store, mine, user_id=stranger, call_id=None)
    _, after = await house.call("GET", "/api/me/statistics")

    assert before["totalInterviews"] + 1 == after["totalInterviews"]
