"""From a model's answer to our questions (R-032, R-033, R-035)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.questions import FollowUp, KeyPoint
from bridge.wire.written_questions import WrittenQuestion, WrittenQuestions

ANSWER: dict[str, Any] = {
    "number": 2,
    "focusArea": " caching ",
    "text": "How would you\n keep it  quick?",
    "spoken": "How would you keep it quick?",
    "motivation": "Tests it.",
    "keyPoints": [
        {"point": "A cache", "words": "Cache | in-memory  store|CACHE| |"},
        {"point": "Expiry", "words": "time to live"},
    ],
    "difficulty": 7,
    "timeAllocation": 4.5,
    "followUps": [{"text": "And then?", "about": 2}, {"text": "Else?", "about": 7}],
    "modelAnswer": "A cache.",
    "somethingElse": {"ignored": True},
}


def test_a_question_in_our_words():
    """Ids k1, k2 … by position; words in lower case, each once; one line; id, rating and lesson are ours."""
    question = WrittenQuestion.model_validate(ANSWER).to_question(
        "gm-1", InterviewType.SYSTEM_DESIGN, Difficulty.HARD, rating=6, lesson="4.7"
    )

    assert ("gm-1", InterviewType.SYSTEM_DESIGN, Difficulty.HARD, "caching", 6, "4.7", 4.5) == (
        question.id, question.type, question.difficulty, question.focus_area, question.rating, question.lesson, question.minutes,
    )  # fmt: skip
    assert "How would you keep it quick?" == question.text
    assert (
        KeyPoint("k1", "A cache", (("cache", "in-memory store"),)),
        KeyPoint("k2", "Expiry", (("time to live",),)),
    ) == question.key_points
    assert (FollowUp("And then?", "k2"), FollowUp("Else?", "k7")) == question.follow_ups


@pytest.mark.parametrize(("minutes", "expected"), [(-3, 1.0), (0, 1.0), (2.5, 2.5), (10_000, 15.0)])
def test_minutes_have_bounds(minutes: float, expected: float):
    """C-59: shares are made of them, so none is nothing or everything."""
    written = WrittenQuestion.model_validate(ANSWER | {"timeAllocation": minutes})

    assert expected == written.to_question("x", InterviewType.DSA, Difficulty.EASY, rating=1, lesson="3.1").minutes


@pytest.mark.parametrize(
    "change",
    [
        {"text": "x" * 1_001},
        {"modelAnswer": "x" * 4_001},
        {"keyPoints": [ANSWER["keyPoints"][0]] * 21},
        {"timeAllocation": float("nan")},
        {"difficulty": "hard"},
        {"followUps": None},
        {"text": None},
    ],
)
def test_what_is_endless_or_no_question_is_refused(change: dict[str, Any]):
    """F7: bounds for a whole answer; the rest is checked question by question."""
    with pytest.raises(ValidationError):
        WrittenQuestions.model_validate({"questions": [ANSWER | change]})


def test_it_goes_back_as_it_came():
    """R-032: a repair shows the model its own words."""
    sent = WrittenQuestion.model_validate(ANSWER).to_json()

    assert {name: value for name, value in ANSWER.items() if name != "somethingElse"} == sent
