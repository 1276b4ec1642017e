"""The report as a whole, and the job that stores it (R-070, R-071, R-078, R-084, C-23, C-33, C-60, M3)."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import bank
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.questions import choose
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.errors import WrongState
from reporting.job import content_hash, write_report

from ..samples import QUESTIONS
from .samples import FULL, HALF, NOW, Play, played

SECTION_2_5_2 = {
    "reportId", "sessionId", "generatedAt", "overallScore", "scoreBreakdown", "summary", "questionAnalysis", "strengths",
    "weaknesses", "recommendations", "comparisonToStandards", "nextSteps", "suggestionForNextInterview",
}  # fmt: skip
OURS = {"evidence", "coverage", "rubric", "generatedBy", "transcript", "clocks", "recording", "setup", "disclaimer"}
words = st.sampled_from([*FULL.split(), *HALF.split(), "um", "next", "question", "şard", "\u2028", "<b>", "I", "don't", "know"])
answers = st.none() | st.lists(words, max_size=25).map(" ".join)


def test_the_shape_is_the_documents():
    """R-078, C-43: section 2.5.2's names, the misspelt one put right, and ours beside them."""
    report = played(FULL, HALF).report()

    assert set(report) >= SECTION_2_5_2 | OURS
    assert list(report["scoreBreakdown"]) == [
        "technicalDepth",
        "communication",
        "problemSolving",
        "tradeOffAnalysis",
        "timeManagement",
    ]
    assert {"whatYouDidWell", "whatCouldBeBetter", "missingPoints", "scoringDetails"} <= set(
        report["questionAnalysis"][0]["feedback"]
    )
    assert {"technicalCorrectness", "completeness", "communication", "depthOfThinking"} == set(
        report["questionAnalysis"][0]["feedback"]["scoringDetails"]
    )
    assert report["generatedAt"] == "2026-12-03T10:45:00Z"
    assert report["generatedBy"]["engine"] == "coverage"
    assert json.loads(json.dumps(report)) == report


def test_the_overall_is_over_assessed_questions_by_minutes():
    """R-070: not reached and silent questions never count; the sum is shown."""
    questions = (replace(QUESTIONS[0], minutes=2), replace(QUESTIONS[1], minutes=6), QUESTIONS[2])

    report = played(FULL, "A cache.", None, questions=questions).report()

    assert (report["overallScore"], report["rubric"]["arithmetic"]) == (63, "(100 × 2 + 50 × 6) ÷ 8 = 63")
    assert [q["userScore"] for q in report["questionAnalysis"]] == [100, 50, None]
    assert report["rubric"]["weights"]["questions"] == {"q1": 0.25, "q2": 0.75}


def test_claims_are_key_points_with_quotes():
    """R-071: done well, could be better, missing."""
    first = played(HALF).report()["questionAnalysis"][0]["feedback"]

    assert first["whatYouDidWell"] == ["A cache in front. You said “First a cache”."]
    assert first["whatCouldBeBetter"] == ["Spread the data. Heard in part: “Later we would partition the data somehow”."]
    assert first["missingPoints"] == []


def test_questions_are_complete_after_the_interview():
    """C-31: follow-ups asked, key points and model answer are shown once it is over."""
    play = Play().ask(1).answer(1, HALF).ask(1, follow_up="How would you spread it?").answer(1, "By a hash.").leave(1).end()

    question = play.report()["questionAnalysis"][0]

    assert question["followUpsAsked"] == ["How would you spread it?"]
    assert question["modelAnswer"] == QUESTIONS[0].model_answer
    assert question["answer"] == f"{HALF} By a hash."
    assert question["userScore"] == 100


@given(st.lists(answers, max_size=3))
def test_whatever_is_said_every_claim_can_be_checked(said):
    """M3, R-070: quotes are verbatim, scores in bounds, what was not answered has none."""
    play = played(*said)
    report = play.report()
    turns = {turn.id: turn for turn in play.turns}
    analysis = report["questionAnalysis"]
    scores = [q["userScore"] for q in analysis if q["userScore"] is not None]

    for claim in report["evidence"]:
        assert turns[claim["turnId"]].text[claim["start"] : claim["end"]] == claim["quote"] != ""
    for q in analysis:
        evidence = {e["keyPointId"] for e in report["evidence"] if e["questionId"] == q["questionId"]}
        assert evidence == {point["id"] for point in q["keyPoints"] if point["shown"] in {"yes", "partly"}}
        assert (q["status"] == "assessed") is (q["userScore"] is not None)
        assert q["status"] != "assessed" or 0 <= q["userScore"] <= 100
    assert all(q["status"] == "not-reached" for q in analysis[len(said) :])
    assert (report["overallScore"] is None) is (not scores)
    assert not scores or min(scores) <= report["overallScore"] <= max(scores)


@pytest.mark.parametrize("interview_type", InterviewType)
def test_model_answers_cover_the_bank(interview_type):
    """R-032: the bank's own answers make a full report, for every type."""
    questions = choose(
        bank.load(interview_type),
        interview_type=interview_type,
        difficulty=Difficulty.HARD,
        focus_areas=(),
        count=6,
        duration_minutes=25,
    )
    play = played(*(q.model_answer for q in questions), questions=questions)
    play.setup = replace(play.setup, type=interview_type)

    report = play.report()

    assert report["overallScore"] == 100
    assert all(q["lesson"] for q in report["questionAnalysis"])


def test_the_hash_is_of_words_questions_and_rules():
    """C-23: the same interview has one hash; another word makes another."""
    play, other = played(FULL), played(HALF)

    assert content_hash(play.session(), play.turns, play.segments) == content_hash(
        play.session(report_status=ReportStatus.READY), play.turns, play.segments
    )
    assert content_hash(play.session(), play.turns, play.segments) != content_hash(play.session(), other.turns, other.segments)


# The job ------------------------------------------------------------------------------------------------------------
async def test_the_job_writes_a_report_once(store, stored):
    """C-23, R-084: twice the job, one version; the session says ready."""
    play = played(FULL, HALF)
    session_id = await stored(play)

    await write_report(store, session_id)
    async with store.read() as tx:
        first = await tx.report(session_id)
    await write_report(store, session_id)

    async with store.read() as tx:
        assert first == await tx.report(session_id)
        assert (await tx.session(session_id)).report_status is ReportStatus.READY
    assert (first.version, first.overall_score, first.body["overallScore"]) == (1, 88, 88)
    assert first.id == first.body["reportId"]


async def test_more_words_make_a_new_version(store, stored):
    """C-23: a later transcript is a new version, and the first stays."""
    play = played(FULL)
    session_id = await stored(play)
    await write_report(store, session_id)
    play.answer(1, "And one more thing, the hash.")
    async with store.begin() as tx:
        await tx.append_events(session_id, [(len(play.events), play.events[-1])], turns=[play.turns[-1]], segments=play.segments)

    await write_report(store, session_id)

    async with store.read() as tx:
        assert (await tx.report(session_id)).version == 2


async def test_nothing_answered_is_no_report(store, stored):
    """C-60: none, rather than a page of zeros."""
    session_id = await stored(played("Um.", "Next question please."))

    await write_report(store, session_id)

    async with store.read() as tx:
        assert await tx.report(session_id) is None
        assert (await tx.session(session_id)).report_status is ReportStatus.NONE


async def test_unknown_and_deleted_sessions_are_left_alone(store, stored):
    """C-23: the job of a session that is gone has nothing to do."""
    session_id = await stored(played(FULL), status=SessionStatus.DELETED)

    await write_report(store, session_id)
    await write_report(store, "nobody")

    async with store.read() as tx:
        assert await tx.report(session_id) is None
        assert (await tx.session(session_id)).report_status is ReportStatus.QUEUED


async def test_a_running_interview_is_refused(store, stored):
    """C-31: no key point is shown while the interview runs."""
    session_id = await stored(played(FULL), status=SessionStatus.IN_PROGRESS)

    with pytest.raises(WrongState):
        await write_report(store, session_id)


class Meanwhile:
    """The store, where something happens at the start of the n-th write."""

    def __init__(self, store, n, act):
        self.read, self._begin, self._n, self._act = store.read, store.begin, n, act

    @asynccontextmanager
    async def begin(self):
        self._n -= 1
        async with self._begin() as tx:
            if self._n == 0:
                await self._act(tx)
            yield tx


async def test_a_failure_is_said_and_raised(store, stored):
    """C-60: failed, not silent; the next try may succeed."""
    session_id = await stored(played(FULL))

    async def disk_full(tx):
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        await write_report(Meanwhile(store, 2, disk_full), session_id)

    async with store.read() as tx:
        assert await tx.report(session_id) is None
        assert (await tx.session(session_id)).report_status is ReportStatus.FAILED
    await write_report(store, session_id)
    async with store.read() as tx:
        assert (await tx.session(session_id)).report_status is ReportStatus.READY


async def test_words_that_arrive_while_it_is_written_keep_it_stale(store, stored):
    """C-60: the version is kept, and a newer transcript waits for its own."""
    session_id = await stored(played(FULL))

    async def stale(tx):
        await tx.save_session(replace(await tx.session(session_id), report_status=ReportStatus.STALE))

    await write_report(Meanwhile(store, 2, stale), session_id)

    async with store.read() as tx:
        assert (await tx.report(session_id)).version == 1
        assert (await tx.session(session_id)).report_status is ReportStatus.STALE


async def test_a_session_deleted_while_it_is_written_gets_nothing(store, stored):
    """R-115: what is deleted stays deleted."""
    session_id = await stored(played(FULL))

    async def deleted(tx):
        await tx.save_session(replace(await tx.session(session_id), status=SessionStatus.DELETED))

    await write_report(Meanwhile(store, 2, deleted), session_id)

    async with store.read() as tx:
        assert await tx.report(session_id) is None


def test_times_are_utc():
    """Contract: RFC 3339 UTC."""
    report = played(FULL).report(started_at=NOW)

    assert report["startedAt"] == "2026-12-03T10:45:00Z"
    assert report["endedAt"] == "2026-12-03T10:45:17Z"
