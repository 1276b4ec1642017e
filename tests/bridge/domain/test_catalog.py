"""The tables (C-01, C-39, C-41) and the choice of questions (R-037, C-59)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import bank
from bridge.domain.catalog import (
    DIFFICULTIES,
    OPENING_AND_CLOSING_MINUTES,
    TYPES,
    Difficulty,
    InterviewType,
    parse_area,
    parse_type,
    question_count,
)
from bridge.domain.questions import choose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JavaScript/Frontend", InterviewType.JAVASCRIPT),
        ("system_design", InterviewType.SYSTEM_DESIGN),
        ("Behavioral & HR Round", InterviewType.BEHAVIORAL),
        ("cooking", None),
    ],
)
def test_type_spellings(text, expected):
    """C-41: slugs, aliases and the document's spellings."""
    assert expected == parse_type(text)


def test_area_spellings():
    """C-41: titles and aliases become slugs; the unknown stays free text."""
    found = [parse_area(InterviewType.SYSTEM_DESIGN, text) for text in ("Scalability & Performance", "databases", "quantum")]

    assert ["scalability", "database-design", None] == found


@pytest.mark.parametrize(
    ("difficulty", "minutes", "expected"),
    [("easy", 10, 3), ("easy", 12, 4), ("medium", 20, 5), ("hard", 25, 6), ("expert", 35, 7)],
)
def test_question_count(difficulty, minutes, expected):
    """C-39: the difficulty's number, clamped to 2.5 minutes each."""
    assert expected == question_count(Difficulty(difficulty), minutes)


def test_a_focus_area_is_covered_when_its_hard_questions_were_asked_lately():
    """R-037: the only area that was asked for, and all that is near in difficulty in it was asked in the last interviews: easier ones of it come first."""
    known = bank.load(InterviewType.JAVASCRIPT)
    lately = {q.id for q in known if q.focus_area == "language-core" and q.difficulty in (Difficulty.HARD, Difficulty.EXPERT)}
    chosen = choose(
        known, interview_type=InterviewType.JAVASCRIPT, difficulty=Difficulty.EXPERT, focus_areas=["language-core"], count=7,
        duration_minutes=35, recent=lately,
    )  # fmt: skip

    assert [q.difficulty for q in chosen if q.focus_area == "language-core"] == [Difficulty.MEDIUM]
    assert not lately & {q.id for q in chosen}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_chosen_set_fits(data):
    """R-037, C-59: right type and count, focus covered, no repeats, minutes within the duration less opening and closing."""
    interview_type = data.draw(st.sampled_from(InterviewType))
    difficulty = data.draw(st.sampled_from(Difficulty))
    profile = DIFFICULTIES[difficulty]
    minutes = data.draw(st.integers(profile.min_minutes, profile.max_minutes))
    areas = data.draw(st.lists(st.sampled_from(list(TYPES[interview_type].areas)), unique=True, max_size=3))
    count = question_count(difficulty, minutes)
    recent = {q.id for q in data.draw(st.lists(st.sampled_from(bank.load(interview_type)), max_size=15))}
    chosen = choose(
        bank.load(interview_type),
        interview_type=interview_type,
        difficulty=difficulty,
        focus_areas=areas,
        count=count,
        duration_minutes=minutes,
        recent=recent,
        seed=data.draw(st.integers(0, 2**32)),
    )

    left = {q.focus_area for q in bank.load(interview_type) if q.id not in recent}
    assert count == len({q.id for q in chosen})
    assert left & set(areas[:count]) <= {q.focus_area for q in chosen}
    assert round(sum(q.minutes for q in chosen), 6) <= minutes - OPENING_AND_CLOSING_MINUTES
    assert not recent & {q.id for q in chosen}
