"""What the report says in words: only facts, only known lessons (R-072, R-073, R-075, R-076, R-081, R-082, C-44, C-45)."""

from dataclasses import replace

import pytest

from bridge.bank import module
from bridge.domain.catalog import Difficulty, InterviewType
from reporting.advice import brief, joined, plural

from ..samples import QUESTIONS, setup_with
from .samples import FULL, HALF, Play, played

LESSONS = {f"Module 4, Lesson {lesson.ref}: {lesson.title}" for lesson in module(InterviewType.SYSTEM_DESIGN).lessons}


def test_strengths_are_best_covered_first_with_quote_and_reason():
    """R-072: area, what was covered, why it matters."""
    report = played(HALF, FULL, "No idea, I have never used one.").report()

    assert [item["questionId"] for item in report["strengths"]] == ["q2", "q1"]
    assert "2 of 2 key points covered. You said “I would put a cache in front of it”" in report["strengths"][0]["description"]
    assert report["strengths"][0]["importance"] == f"High – {QUESTIONS[1].motivation}"
    assert report["strengthsNote"] is None


def test_weaknesses_are_thinnest_first_with_focus():
    """R-073: what is open, why it matters, what to focus on."""
    report = played(HALF, FULL, "No idea, I have never used one.").report()

    assert [item["questionId"] for item in report["weaknesses"]] == ["q3", "q1"]
    assert "of 2 key points, 2 not heard." in report["weaknesses"][0]["description"]
    assert report["weaknesses"][0]["focusOn"].startswith("A cache in front; Spread the data (Module 4, Lesson 4.1:")


def test_a_full_stop_of_a_key_point_is_not_read_in_the_middle_of_a_line():
    """R-073: the banks write key points with and without one."""
    stopped = [replace(q, key_points=tuple(replace(p, text=f"{p.text}.") for p in q.key_points)) for q in QUESTIONS]
    report = played(HALF, FULL, "No idea, I have never used one.", questions=stopped).report()

    assert report["weaknesses"][0]["focusOn"].startswith("A cache in front; Spread the data (Module 4, Lesson 4.1:")


def test_nothing_is_invented():
    """M3: no strengths, no list; a sentence instead."""
    report = played("No idea, I have never used one.").report()

    assert report["strengths"] == []
    assert "no strength" in report["strengthsNote"]


def test_a_full_answer_has_no_weakness():
    """M3: nothing missing, nothing to criticise."""
    report = played(FULL, FULL, FULL).report()

    assert (report["weaknesses"], report["recommendations"]) == ([], [])
    assert "missing" in report["weaknessesNote"]


def test_lessons_come_from_the_curriculum_only():
    """C-45: the question's lesson and its neighbours in the area; an unknown reference is dropped."""
    questions = (QUESTIONS[0], replace(QUESTIONS[1], focus_area="api-design", lesson="9.9"), QUESTIONS[2])

    first, second = played("Nothing much.", "Nothing much.", questions=questions).report()["recommendations"]

    assert first["resources"][0].startswith("Module 4, Lesson 4.1:")
    assert set(first["resources"]) <= LESSONS
    assert 1 < len(first["resources"]) <= 3
    assert second["resources"] == []
    assert (first["priority"], first["timeToMaster"]) == (1, None)


def test_there_are_at_most_three_recommendations():
    """R-075: the three with the most to gain."""
    areas = ["caching", "api-design", "scalability", "microservices"]
    questions = [replace(QUESTIONS[0], id=f"q{i}", focus_area=area) for i, area in enumerate(areas)]

    report = played(HALF, "No clue at all.", HALF, HALF, questions=questions).report()

    assert [item["focusArea"] for item in report["recommendations"]] == ["api-design", "caching", "scalability"]


@pytest.mark.parametrize(
    ("expected", "before", "answers"),
    [
        (Difficulty.HARD, Difficulty.MEDIUM, [FULL] * 3),
        (Difficulty.EXPERT, Difficulty.EXPERT, [FULL] * 3),
        (Difficulty.MEDIUM, Difficulty.MEDIUM, [HALF] * 3),
        (Difficulty.EASY, Difficulty.MEDIUM, ["No clue at all."] * 3),
        (Difficulty.EASY, Difficulty.EASY, ["No clue at all."] * 3),
        (Difficulty.MEDIUM, Difficulty.MEDIUM, [None] * 3),
    ],
)
def test_the_next_interview_fits_the_score(expected, before, answers):
    """R-082: harder from 80, easier below 35, no made-up improvement."""
    suggestion = played(*answers, setup=setup_with(difficulty=before)).report()["suggestionForNextInterview"]

    assert expected == suggestion["difficulty"]
    assert suggestion["estimatedImprovement"] is None
    assert suggestion["recommendedTopic"]


def test_habits_come_from_the_clock():
    """R-076: pitfalls are numbers, not opinions."""
    play = Play().ask(1).answer(1, FULL, seconds=20).leave(1).ask(2).answer(2, FULL, seconds=400).leave(2).ask(3).end()

    short, long, silent = play.report()["commonPitfalls"]

    assert short == "Less than 40% of the time was used on question 1."
    assert long == "More than 130% of the time was used on question 2."
    assert silent.startswith("There was no answer to question 3;")


def test_comparison_says_there_is_nothing_to_compare_with():
    """C-44: no invented averages."""
    assert played(FULL).report()["comparisonToStandards"] == {
        "yourScore": 100,
        "averageForDifficulty": None,
        "topPerformerScore": None,
        "statusMessage": "not enough interviews on this server yet",
    }


def test_words():
    """Lists and counts read as a person writes them."""
    assert [joined(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (plural(1, "point"), plural(2, "point")) == ("1 point", "2 points")
    assert brief("a b, c d", 6) == "a b …"
