"""Answer question 3 again: a short interview linked to the old one, its report beside it (M15)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.usecases import calling
from reporting.job import write_report

from .house import STRANGER, UNKNOWN, House, add_user, finished_session, live_session, tell

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def again(house: House, session_id: str, order: Any) -> tuple[int, Any]:
    """Ask for it."""
    return await house.call("POST", f"/api/interviews/{session_id}/questions/{order}/again", json={})


async def hold(house: House, session_id: str, answers: list[str | None] | None = None) -> None:
    """Hold the repeat to its end and write its report."""
    now = datetime.now(UTC)
    _, token = await calling.start(house.store, house.user, session_id, "local", now)
    admitted = await calling.admit(house.store, session_id, token, now)
    at_ms = await tell(house.store, admitted.session, answers=answers)
    await calling.finish(house.store, session_id, "finished", elapsed_ms=at_ms, now=now)
    await write_report(house.store, session_id)


async def report_of(house: House, session_id: str) -> Any:
    """Its report."""
    return (await house.call("GET", f"/api/interviews/{session_id}/report"))[1]


async def test_the_third_question_again(house: House) -> None:
    """M15: the same question with its follow-ups, room for it alone, both reports linked; the first one stays as it was."""
    first = await house.finished(answers=["I do not know.", "Nor this.", "I would put something in front of it, maybe."])
    before = await report_of(house, first.id)
    status, made = await again(house, first.id, 3)
    assert (201, "ready") == (status, made["status"])

    async with house.store.read() as tx:
        repeat = await tx.session(made["sessionId"])
    assert repeat is not None
    assert (first.questions[2],) == repeat.questions
    assert repeat.questions[0].minutes + 2 <= repeat.setup.duration_minutes < repeat.questions[0].minutes + 3.01
    assert 200 == (await house.fetch("GET", f"/interviews/{repeat.id}"))[0].status

    await hold(house, repeat.id)
    report = await report_of(house, repeat.id)
    change = report["answeredBefore"]
    question = before["questionAnalysis"][2]
    assert (first.id, question["questionId"], 3) == (change["sessionId"], change["questionId"], change["order"])
    assert (question["userScore"], report["questionAnalysis"][0]["userScore"]) == (change["previousScore"], change["score"])
    assert change["score"] - change["previousScore"] == change["change"] > 0
    assert "Then and now" in (await house.fetch("GET", f"/interviews/{repeat.id}/report"))[1]

    after = await report_of(house, first.id)
    (attempt,) = after["answeredAgain"]
    assert (repeat.id, question["questionId"], report["overallScore"]) == (
        attempt["sessionId"],
        attempt["questionId"],
        attempt["score"],
    )
    assert before["questionAnalysis"] == after["questionAnalysis"]


async def test_practice_counts_nowhere(house: House) -> None:
    """A repeat changes no statistic, no trend and no comparison, its own comparison included."""
    first = await house.finished()
    house.forget()
    statistics = (await house.call("GET", "/api/me/statistics"))[1]
    progress = (await house.call("GET", "/api/me/progress"))[1]
    _, made = await again(house, first.id, 1)
    await hold(house, made["sessionId"])
    house.forget()

    assert statistics == (await house.call("GET", "/api/me/statistics"))[1]
    assert progress["overall"] == (await house.call("GET", "/api/me/progress"))[1]["overall"]
    report = await report_of(house, made["sessionId"])
    assert report["sinceLastTime"] is None
    assert report["comparisonToStandards"]["averageForDifficulty"] is None


async def test_when_the_first_one_is_deleted(house: House) -> None:
    """The repeat keeps its own report; of the deleted answer nothing is shown."""
    first = await house.finished()
    _, made = await again(house, first.id, 1)
    await hold(house, made["sessionId"])
    await house.call("DELETE", f"/api/interviews/{first.id}")

    assert (await report_of(house, made["sessionId"]))["answeredBefore"] is None
    assert "Then and now" not in (await house.fetch("GET", f"/interviews/{made['sessionId']}/report"))[1]


@pytest.mark.parametrize("order", ["0", "4", "-1", "x", "9999999", "1.5", "%00"])
async def test_an_unknown_question_is_not_there(house: House, order: str) -> None:
    """404, and nothing is made."""
    first = await house.finished()

    assert 404 == (await again(house, first.id, order))[0]


async def test_whose_and_when(house: House) -> None:
    """A stranger's interview is unknown; one that still runs is not over."""
    theirs = await finished_session(house.store, await add_user(house.store, STRANGER))
    live = (await live_session(house.store, house.user)).session

    assert [404, 404, 409] == [(await again(house, where, 1))[0] for where in (theirs.id, UNKNOWN, live.id)]
