"""A question's patience (M6)."""

from dataclasses import replace

import pytest

from bridge.bank import questions
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.setup import InterviewSetup, Pace
from bridge.domain.turn_policy import LEAST_MS, MAX_PAUSE_SECONDS, longest_wait, policy_of


def question_of(type_: InterviewType, difficulty: Difficulty = Difficulty.MEDIUM, minutes: float = 6.0):
    return replace(next(q for q in questions() if q.type is type_), difficulty=difficulty, minutes=minutes)


def test_a_design_question_is_thought_about_longer_than_a_definition():
    """M6: the policy belongs to the question: every time of it is longer for a system design than for a JavaScript question."""
    long, short = (policy_of(question_of(t), Pace.MODERATE) for t in (InterviewType.SYSTEM_DESIGN, InterviewType.JAVASCRIPT))

    for time in ("pause_seconds", "wait_seconds", "notice_ms", "nudge_ms", "hold_ms"):
        assert getattr(long, time) > getattr(short, time)


@pytest.mark.parametrize("type_", list(InterviewType))
def test_harder_and_slower_means_more_patient(type_):
    """M6: difficulty and pace stretch it, in order."""
    by_difficulty = [policy_of(question_of(type_, d), Pace.MODERATE).hold_ms for d in Difficulty]
    by_pace = [policy_of(question_of(type_), p).pause_seconds for p in (Pace.FAST, Pace.MODERATE, Pace.SLOW)]

    assert by_difficulty == sorted(by_difficulty)
    assert by_difficulty[0] < by_difficulty[-1]
    assert by_pace == sorted(set(by_pace))


@pytest.mark.parametrize("type_", list(InterviewType))
@pytest.mark.parametrize("difficulty", list(Difficulty))
@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("minutes", [0.5, 1.0, 2.5, 9.0])
def test_the_times_keep_their_order_and_leave_room_for_the_answer(type_, difficulty, pace, minutes):
    """M6: told before spoken to, a silence that was asked for lasts at least as long as another, and none eats the question's minutes."""
    policy = policy_of(question_of(type_, difficulty, minutes), pace)

    assert 0 < policy.wait_seconds < policy.pause_seconds <= MAX_PAUSE_SECONDS
    assert LEAST_MS <= policy.notice_ms <= policy.nudge_ms <= policy.hold_ms
    assert policy.hold_ms <= max(LEAST_MS, minutes * 60_000 / 2)


def test_an_engine_that_is_told_once_waits_as_the_most_patient_question():
    """M6 at Vapi and Gemini: their silence is set for a whole call."""
    setup = InterviewSetup(InterviewType.SYSTEM_DESIGN, Difficulty.MEDIUM, 15)
    easy, hard = (question_of(InterviewType.SYSTEM_DESIGN, d) for d in (Difficulty.EASY, Difficulty.HARD))

    assert longest_wait(setup, [easy, hard]) == policy_of(hard, Pace.MODERATE).wait_seconds
    assert longest_wait(setup, []) > 0
