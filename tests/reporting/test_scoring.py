"""The arithmetic (R-070, R-071, C-43)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import InterviewType
from bridge.domain.coverage import Shown
from reporting.scoring import (
    BANDS,
    band_of,
    breakdown,
    question_arithmetic,
    question_score,
    rounded,
    time_score,
    weighted,
    weighted_arithmetic,
)

YES, PARTLY, NO = Shown.YES, Shown.PARTLY, Shown.NO
scores = st.integers(0, 100)
minutes = st.floats(0, 60, allow_nan=False)


def value_of(arithmetic: str) -> int:
    """What a pencil makes of the shown sum."""
    left, right = arithmetic.replace("×", "*").replace("÷", "/").split("=")
    assert rounded(eval(left) + 1e-9) == int(right)
    return int(right)


@pytest.mark.parametrize(
    ("expected", "shown"),
    [(100, [YES, YES]), (0, [NO, NO, NO]), (50, [PARTLY]), (63, [YES, YES, PARTLY, NO]), (17, [PARTLY, NO, NO]), (None, [])],
)
def test_a_question_score_is_the_mean_of_its_points(expected, shown):
    """R-071: yes 1, partly a half, no 0, halves rounded up."""
    assert expected == question_score(shown)


def test_the_sum_is_shown():
    """M3: totals are arithmetic that a reader can check."""
    assert question_arithmetic([YES, NO, PARTLY, YES]) == "(2 × 1 + 1 × 0.5 + 1 × 0) ÷ 4 × 100 = 63"
    assert weighted_arithmetic([(63, 3.5), (40, 4)]) == "(63 × 3.5 + 40 × 4) ÷ 7.5 = 51"


@given(st.lists(st.sampled_from(Shown), min_size=1, max_size=6))
def test_every_question_sum_holds(shown):
    """R-070: within 0–100, and the shown sum gives the shown score."""
    assert 0 <= question_score(shown) <= 100
    assert question_score(shown) == value_of(question_arithmetic(shown))


@given(st.lists(st.tuples(scores, minutes), min_size=1, max_size=10))
def test_a_weighted_mean_lies_between_its_parts(parts):
    """R-070: the overall is never outside the scores it is made of."""
    assert min(score for score, _ in parts) <= weighted(parts) <= max(score for score, _ in parts)


def test_nothing_assessed_has_no_mean():
    """Never a made-up zero ("Mistakes": the all-zero report)."""
    assert weighted([]) is None
    assert weighted_arithmetic([]) == ""


def test_questions_without_minutes_count_alike():
    """A set without minutes still has a mean."""
    assert weighted([(100, 0), (0, 0)]) == 50


@given(scores)
def test_every_score_has_one_band(score):
    """B.3: ring and band name."""
    assert [band_of(score)] == [band for band in BANDS if band.lowest <= score <= band.highest]


@pytest.mark.parametrize(("expected", "share"), [(0, 0), (50, 0.2), (100, 0.4), (100, 1.1), (50, 1.55), (0, 2.0), (0, 9.0)])
def test_time_management_is_full_in_a_range_and_falls_outside(expected, share):
    """C-43: time management computed from clocks."""
    assert expected == time_score(share)


@pytest.mark.parametrize("interview_type", InterviewType)
def test_only_time_management_needs_no_judgement(interview_type):
    """C-43: five dimensions by type; what needs judgement is null and says why."""
    values, reasons = breakdown(interview_type, 80)

    assert len(values) == 5
    assert {name: value for name, value in values.items() if value is not None} == {"timeManagement": 80}
    assert set(reasons) == set(values) - {"timeManagement"}
    assert ("ownership" in values) is (interview_type is InterviewType.BEHAVIORAL)


def test_an_unknown_time_says_so():
    """C-43: null with a reason."""
    values, reasons = breakdown(InterviewType.DSA, None)

    assert values["timeManagement"] is None
    assert "time" in reasons["timeManagement"]
