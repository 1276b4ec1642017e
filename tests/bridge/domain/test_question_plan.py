"""What the written questions are to be about (R-016, R-031, C-39, C-59)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge import bank
from bridge.domain.catalog import TYPES, Difficulty, InterviewType
from bridge.domain.question_plan import RATINGS, origin, plan
from bridge.domain.setup import InterviewSetup

SETUP = InterviewSetup(InterviewType.SYSTEM_DESIGN, Difficulty.MEDIUM, 20)


def test_chosen_areas_take_turns():
    """R-016: the candidate's areas first to last, their own among them, then again."""
    chosen = replace(SETUP, focus_areas=("caching", "api-design"), other_areas=("Quantum",))

    assert [("caching", None), ("api-design", None), (None, 0), ("caching", None), ("api-design", None)] == [
        (slot.area, slot.other) for slot in plan(chosen, 5)
    ]


def test_without_a_choice_all_areas_of_the_type():
    """R-016: a mix of everything."""
    assert list(TYPES[InterviewType.SYSTEM_DESIGN].areas) == [slot.area for slot in plan(SETUP, 5)]


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_difficulty_climbs_within_the_level(difficulty: Difficulty):
    """R-032: from the band's lowest to its highest, never down; the bands are the bank's."""
    ratings = [slot.rating for slot in plan(replace(SETUP, difficulty=difficulty), 5)]
    known = [question.rating for question in bank.questions() if question.difficulty is difficulty]

    assert RATINGS[difficulty] == (ratings[0], ratings[-1]) == (min(known), max(known))
    assert sorted(ratings) == ratings


@pytest.mark.parametrize("count", [1, 3, 7, 10])
def test_minutes_fit(count: int):
    """C-59: number and shares add up to the duration less two minutes at most."""
    slots = plan(SETUP, count)

    assert list(range(1, count + 1)) == [slot.number for slot in slots]
    assert 17 <= sum(slot.minutes for slot in slots) <= 18.001


@pytest.mark.parametrize(
    ("ids", "expected"), [([], "bank"), (["sd-1"], "bank"), (["gm-1", "gm-2"], "gemini"), (["sd-1", "gm-2"], "both")]
)
def test_where_questions_come_from(ids: list[str], expected: str):
    """The ids tell; none of the bank's begins like a written one."""
    assert expected == origin(ids)
    assert not [question.id for question in bank.questions() if question.id.startswith("gm-")]
