"""Who may review an interview, and what a review holds (R-106, C-58)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.pricing import Plan, Tariff, credits_tariff
from bridge.domain.reviewing import (
    CLAIM,
    Mark,
    Review,
    ReviewState,
    allowance,
    check_free,
    check_marks,
    check_mine,
    offered,
)
from bridge.errors import Conflict, InvalidInput

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ASKED = Review("s", "candidate", "2026-11", NOW, NOW + timedelta(days=5))
TAKEN = replace(ASKED, reviewer_id="ana", taken_at=NOW)
DONE = replace(TAKEN, done_at=NOW + timedelta(hours=1))
REPORT = {
    "questionAnalysis": [
        {"questionId": "a", "order": 1, "status": "assessed"},
        {"questionId": "b", "order": 2, "status": "skipped"},
        {"questionId": "c", "order": 3, "status": "assessed"},
    ]
}


def test_premium_alone_includes_a_review() -> None:
    """R-106: one a month by the price list; none where plans are not sold."""
    assert [0, 0, 1] == [allowance(plan, Tariff()) for plan in Plan]
    assert [0, 0, 0] == [allowance(plan, credits_tariff()) for plan in Plan]
    assert [0, 0, 0] == [allowance(plan, None) for plan in Plan]
    assert [True, False, False] == [offered(tariff) for tariff in (Tariff(), credits_tariff(), None)]


@pytest.mark.parametrize(
    ("review", "who", "after", "free"),
    [
        (ASKED, "ana", timedelta(0), True),
        (ASKED, "candidate", timedelta(0), False),
        (TAKEN, "ana", timedelta(hours=1), True),
        (TAKEN, "ben", timedelta(hours=23), False),
        (TAKEN, "ben", CLAIM, True),
        (TAKEN, "candidate", CLAIM, False),
        (DONE, "ana", CLAIM, False),
        (DONE, "ben", CLAIM, False),
    ],
)
def test_one_reviewer_at_a_time(review: Review, who: str, after: timedelta, free: bool) -> None:
    """C-58: who may take it on, and when; a claim that nobody works at does not block the queue for ever."""
    if free:
        check_free(review, who, NOW + after)
    else:
        with pytest.raises(Conflict):
            check_free(review, who, NOW + after)


def test_the_only_person_here_may_review_their_own() -> None:
    """C-58: in `single` mode there is nobody else."""
    check_free(ASKED, "candidate", NOW, alone=True)


def test_only_its_holder_hands_it_in() -> None:
    """C-58: neither another reviewer, nor somebody whose claim was taken over, nor anybody a second time."""
    check_mine(TAKEN, "ana")
    for review, who in ((TAKEN, "ben"), (ASKED, "ana"), (DONE, "ana")):
        with pytest.raises(Conflict):
            check_mine(review, who)


def test_where_it_stands() -> None:
    """C-58: state by its times, late only while it is open."""
    assert [ReviewState.WAITING, ReviewState.TAKEN, ReviewState.DONE] == [each.state for each in (ASKED, TAKEN, DONE)]
    later = NOW + timedelta(days=6)
    assert [True, True, False] == [each.late(later) for each in (ASKED, TAKEN, DONE)]
    assert not ASKED.late(NOW + timedelta(days=5))


def test_every_answered_question_is_scored() -> None:
    """C-58: in the report's order, the unanswered one without a score and with its comment."""
    made = check_marks([Mark("c", 80), Mark("a", 0, "Too short."), Mark("b", None, "Try it next time.")], REPORT)

    assert (Mark("a", 0, "Too short."), Mark("b", None, "Try it next time."), Mark("c", 80)) == made
    assert Mark("b", None) == check_marks([Mark("c", 80), Mark("a", 0)], REPORT)[1]


@pytest.mark.parametrize(
    "marks",
    [
        [],
        [Mark("a", 1)],
        [Mark("a", None), Mark("c", 2)],
        [Mark("a", 1), Mark("b", 1), Mark("c", 2)],
        [Mark("a", 1), Mark("a", 1), Mark("c", 2)],
        [Mark("a", 1), Mark("c", 2), Mark("d", 3)],
    ],
    ids=["none", "one left out", "no score", "unanswered scored", "twice", "another interview's"],
)
def test_what_does_not_fit_the_interview_is_refused(marks: list[Mark]) -> None:
    """C-58: nothing half, nothing invented."""
    with pytest.raises(InvalidInput):
        check_marks(marks, REPORT)
