"""Reports judged by a model, through the real client, the strict stand-in and a real database (R-070…R-083, C-28, C-43, M3, A8, F7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bridge.clients import gemini
from bridge.domain.catalog import InterviewType
from bridge.domain.criteria import BEHAVIORAL, SUB_SCORES, TECHNICAL, criteria
from bridge.domain.events import TurnRecorded
from bridge.domain.segments import turn_of
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.prompts.report import ASSEMBLY
from reporting.job import write_report
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

from ..samples import SETUP
from .judging import MODEL, judging
from .samples import HALF, Play, played

LONG = (
    "I would put a cache in front of the database, because most reads ask for the same few rows. Then I shard the rows by a hash of their key, "
    "which costs me range scans but spreads the load evenly."
)
THIN = "Well, honestly, I would buy a bigger machine and hope for the best."


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other quickly, so that the tests do."""
    monkeypatch.setattr(gemini, "FIRST_PAUSE_SECONDS", 0.02)


async def report_of(store, session_id: str) -> dict[str, Any]:
    """The newest version's body."""
    async with store.read() as tx:
        return (await tx.report(session_id)).body


async def test_a_judged_report(store, stored):
    """R-070…R-081, C-28: a call for each answer and grading and one for the whole; every number adds up from what is shown."""
    session_id = await stored(played(LONG, THIN))
    async with judging() as (grader, standin):
        await write_report(store, session_id, grader=grader)
    body = await report_of(store, session_id)

    assert [call.purpose for call in standin.requests].count("grading") == 2 * 3
    assert [call.purpose for call in standin.requests].count("report") == 1
    assert body["generatedBy"] == {
        "engine": "judge", "version": body["generatedBy"]["version"], "rubric": "Judged answers 1", "model": MODEL,
        "prompt": "report-grade.1, report-assembly.1", "gradings": 3,
    }  # fmt: skip
    good, thin = body["questionAnalysis"][:2]
    assert good["scoredBy"] == thin["scoredBy"] == "judge"
    assert good["userScore"] > thin["userScore"]
    assert list(good["feedback"]["scoringDetails"]) == list(SUB_SCORES)
    assert all(0 <= value <= 10 for value in good["feedback"]["scoringDetails"].values())
    assert list(body["scoreBreakdown"]) == [dimension.name for dimension in TECHNICAL]
    for question in (good, thin):
        dims, weights = question["grading"]["dimensions"], {d.name: d.weight for d in TECHNICAL}
        total = sum(dims[name] * weights[name] for name in dims) / sum(weights[name] for name in dims)
        assert question["userScore"] == int(total + 0.5)
        assert question["arithmetic"].endswith(f"= {question['userScore']}")
    minutes = [good["minutes"], thin["minutes"]]
    overall = (good["userScore"] * minutes[0] + thin["userScore"] * minutes[1]) / sum(minutes)
    assert body["overallScore"] == int(overall + 0.5)
    assert body["grading"]["spread"] == {"low": min(body["grading"]["scores"]), "high": max(body["grading"]["scores"])}


async def test_every_quote_is_in_its_turn(store, stored):
    """M3: turn and characters of every piece of evidence hold exactly the quoted words."""
    session_id = await stored(played(LONG, HALF))
    async with judging() as (grader, _):
        await write_report(store, session_id, grader=grader)
    body = await report_of(store, session_id)

    turns = {line["turnId"]: line for line in body["transcript"]}
    ids = [item["id"] for item in body["evidence"]]
    assert len(ids) == len(set(ids))
    for item in body["evidence"]:
        assert turns[item["turnId"]]["text"][item["start"] : item["end"]] == item["quote"]
        assert turns[item["turnId"]]["questionId"] == item["questionId"]
    used = [e for s in body["strengths"] + body["weaknesses"] for e in s["evidence"]]
    used += [
        e for q in body["questionAnalysis"] if q["grading"] for s in q["grading"]["subScores"].values() for e in s["evidence"]
    ]
    assert used
    assert set(used) <= set(ids)


async def test_every_key_point_and_still_something_to_say(store, stored):
    """R-075: an answer that covers everything may be judged below full; the advice then is to go deeper."""
    session_id = await stored(Play().ask(1).answer(1, LONG, seconds=150).leave(1).end())
    middling = {"quotes": ["put a cache in front of the database"], "why": "It is said.", "score": 6}
    grade = dict.fromkeys(criteria(SETUP.type), middling) | {"keyPoints": [], "doneWell": [], "couldBeBetter": []}
    async with judging() as (grader, standin):
        standin.brain = StandinBrain().when(grade, purpose="grading")
        await write_report(store, session_id, grader=grader)
    body = await report_of(store, session_id)

    assert body["questionAnalysis"][0]["coverageScore"] == 100
    assert body["questionAnalysis"][0]["userScore"] < 70
    assert "give each its reason" in body["recommendations"][0]["practiceStrategy"]
    assert body["grading"]["note"] is None


@pytest.mark.parametrize("grading", ["honest", "obedient"])
async def test_recommendations_come_from_the_curriculum(store, stored, grading):
    """C-45: a lesson that does not exist is not in the report, whoever names it."""
    session_id = await stored(played(LONG, HALF))
    async with judging(grading) as (grader, _):
        await write_report(store, session_id, grader=grader)
    assert "99.9" not in str(await report_of(store, session_id))


async def test_behavioural_interviews_have_their_own_rubric(store, stored):
    """C-43: structure, ownership, impact, communication, time management."""
    session_id = await stored(played(LONG, setup=replace(SETUP, type=InterviewType.BEHAVIORAL)))
    async with judging() as (grader, _):
        await write_report(store, session_id, grader=grader)
    body = await report_of(store, session_id)

    assert list(body["scoreBreakdown"]) == [dimension.name for dimension in BEHAVIORAL]
    assert set(body["questionAnalysis"][0]["grading"]["subScores"]) >= {"structure", "ownership", "impact"}


async def test_an_obedient_judge_moves_nothing(store, stored):
    """A8 (i): full marks with quotes nobody said leave every stored number where the key-point check put it."""
    plain, told = await stored(played(LONG, THIN)), await stored(played(LONG, THIN))
    async with judging("obedient") as (grader, standin):
        await write_report(store, plain)
        await write_report(store, told, grader=grader)
    without, with_it = await report_of(store, plain), await report_of(store, told)

    assert standin.requests
    assert with_it["overallScore"] == without["overallScore"]
    assert with_it["scoreBreakdown"] == without["scoreBreakdown"]
    assert [q["userScore"] for q in with_it["questionAnalysis"]] == [q["userScore"] for q in without["questionAnalysis"]]
    assert "Not one quote" in with_it["grading"]["note"]
    assert "full marks" not in str(with_it).lower()


async def test_a_model_that_is_away_leaves_a_coverage_report(store, stored):
    """F7: no answer at all: the report is there, by coverage, and says why; no score is made up."""
    session_id = await stored(played(LONG, HALF))
    async with judging() as (grader, standin):
        standin.faults.add(Kind.INTERNAL, count=None)
        await write_report(store, session_id, grader=grader)
    body = await report_of(store, session_id)

    assert body["generatedBy"]["engine"] == "coverage"
    assert body["grading"]["judged"] == 0
    assert "could not be reached" in body["grading"]["note"]
    assert "graded again later" in body["grading"]["note"]


async def test_one_answer_that_cannot_be_judged_is_scored_by_coverage(store, stored):
    """F7: the others are judged; this one says so and is flagged."""
    session_id = await stored(played(LONG, THIN))
    async with judging() as (grader, standin):
        standin.brain = StandinBrain().when("no json", contains="buy a bigger machine")
        await write_report(store, session_id, grader=grader)
    good, thin = (await report_of(store, session_id))["questionAnalysis"][:2]

    assert (good["scoredBy"], thin["scoredBy"]) == ("judge", "coverage")
    assert thin["userScore"] == thin["coverageScore"]
    assert "could not be read" in thin["gradingNote"]


async def test_nothing_is_paid_twice(store, stored):
    """Item 6: a job that starts again asks only for what is missing, a late transcript only for the answer it changes."""
    play = Play().ask(1).answer(1, LONG).leave(1).ask(2).answer(2, HALF)
    session_id = await stored(play)
    async with judging() as (grader, standin):
        original = grader.model.ask

        async def ask(request):
            if request.prompt == ASSEMBLY:
                raise OSError("the machine died here")
            return await original(request)

        grader.model.ask = ask  # type: ignore[method-assign]
        with pytest.raises(OSError, match="died"):
            await write_report(store, session_id, grader=grader)
        grader.model.ask = original  # type: ignore[method-assign]
        assert purposes(standin) == {"grading": 6}
        await write_report(store, session_id, grader=grader)
        assert purposes(standin) == {"grading": 6, "report": 1}

        known = len(play.events)
        play.answer(2, "And I forgot: I shard by a hash of the key.")
        late = [event for event in play.events[known:] if isinstance(event, TurnRecorded)]
        async with store.begin() as tx:
            await tx.append_events(
                session_id,
                list(enumerate(late, known + 1)),
                turns=[turn_of(event) for event in late],
                segments=play.segments,
            )
        await write_report(store, session_id, grader=grader)
        assert purposes(standin) == {"grading": 9, "report": 1}, "the same findings are put into the same words"
    async with store.read() as tx:
        assert [version.version for version in await tx.reports(session_id)] == [1, 2]


def purposes(standin: GeminiStandin) -> Counter[str]:
    """How often the model was asked for what."""
    return Counter(call.purpose for call in standin.requests)


async def test_it_is_told_while_it_happens(store, stored):
    """R-086: steps by name, the first strengths with their quotes, and nothing of it left when the report is there."""
    session_id = await stored(played(LONG, HALF))
    seen: list[dict[str, Any]] = []
    async with judging() as (grader, standin):
        honest = StandinBrain()

        async def look() -> None:
            async with store.read() as tx:
                seen.append(await tx.progress(session_id) or {})

        original = grader.model.ask

        async def ask(request):
            await look()
            return await original(request)

        grader.model.ask = ask  # type: ignore[method-assign]
        standin.brain = honest
        await write_report(store, session_id, grader=grader)
    assert {step.get("step") for step in seen} == {"judging", "assembling"}
    last = seen[-1]
    assert (last["step"], last["done"], last["of"]) == ("assembling", 2, 2)
    assert last["strengths"]
    assert all(strength["quote"] in LONG + HALF for strength in last["strengths"])
    async with store.read() as tx:
        assert await tx.progress(session_id) is None
        assert (await tx.session(session_id)).report_status is ReportStatus.READY


async def test_graded_again_beside_the_old_one(store, stored):
    """M3, C-33: a new version, asked afresh, once however often the job runs; the same words without asking change nothing."""
    session_id = await stored(played(LONG, HALF))
    async with judging() as (grader, standin):
        await write_report(store, session_id, grader=grader)
        first = len(standin.requests)
        await write_report(store, session_id, grader=grader)
        assert len(standin.requests) == first
        for _ in range(2):
            await write_report(store, session_id, grader=grader, asking="again-1")
        assert len(standin.requests) == 2 * first
        await write_report(store, session_id, grader=grader)
    async with store.read() as tx:
        versions = await tx.reports(session_id)
    assert [version.version for version in versions] == [1, 2]
    assert len({version.id for version in versions}) == 2


async def test_graded_again_after_a_failure_asks_for_what_is_missing(store, stored):
    """F7: what was paid for before the model went away is not paid for again."""
    session_id = await stored(played(LONG, THIN))
    async with judging() as (grader, standin):
        standin.faults.add(Kind.SAFETY, count=None, contains="buy a bigger machine")
        await write_report(store, session_id, grader=grader)
        standin.faults.clear()
        standin.requests.clear()
        await write_report(store, session_id, grader=grader, asking="again-1")
        assert purposes(standin)["grading"] == 3
    async with store.read() as tx:
        first, second = await tx.reports(session_id)
    assert (first.body["grading"]["judged"], second.body["grading"]["judged"]) == (1, 2)
    assert (first.body["grading"]["missing"], second.body["grading"]["missing"]) == (3, 0)


async def test_an_interview_deleted_meanwhile_keeps_nothing(store, stored):
    """R-115: no grading and no progress of a deleted interview is stored."""
    session_id = await stored(played(LONG))
    async with judging() as (grader, _):
        original = grader.model.ask

        async def ask(request):
            async with store.begin() as tx:
                await tx.save_session(replace(await tx.session(session_id), status=SessionStatus.DELETED))
                await tx.purge_session(session_id)
            return await original(request)

        grader.model.ask = ask  # type: ignore[method-assign]
        await write_report(store, session_id, grader=grader)
    async with store.read() as tx:
        assert await tx.grades(session_id) == []
        assert await tx.progress(session_id) is None
        assert await tx.report(session_id) is None
