"""Comparison from this server's own interviews, or words (C-44, M14, R-082)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.standing import ReportFacts, Scores
from reporting.standing import MIN_GROUP, MIN_PEOPLE, compared, expected_improvement, placed, since_last_time

from .samples import FULL, HALF, NOW, played


def held(score: int | None, *, days_ago: int = 1, difficulty: Difficulty = Difficulty.MEDIUM, **more: object) -> ReportFacts:
    """An earlier interview of the same type."""
    at = NOW - timedelta(days=days_ago)
    return ReportFacts(f"s{days_ago}", "me", f"r{days_ago}", InterviewType.SYSTEM_DESIGN, difficulty, at, score, **more)


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (Scores(19, {60: MIN_GROUP - 1}), "not enough interviews on this server yet"),
        (Scores(), "not enough interviews on this server yet"),
        (Scores(MIN_PEOPLE - 1, {60: MIN_GROUP}), "not enough people on this server yet"),
        (Scores(2, {60: 500}), "not enough people on this server yet"),
    ],
)
def test_a_small_group_is_not_shown(group: Scores, why: str) -> None:
    """C-44: below the minimum every number is null, and words say so; nor may a group tell who is in it."""
    got = compared(70, group)

    assert (70, None, None, None, why) == tuple(
        got[name] for name in ("yourScore", "averageForDifficulty", "topPerformerScore", "percentileRank", "statusMessage")
    )


def test_a_group_large_enough() -> None:
    """C-44, R-129: average, best tenth and rank among the others."""
    got = compared(70, Scores(MIN_PEOPLE, {50: 20, 64: 10, 70: 1, 71: 5, 88: 5}))

    assert (61, 88, 75, 41) == tuple(
        got[name] for name in ("averageForDifficulty", "topPerformerScore", "percentileRank", "groupSize")
    )
    assert (
        "9 points above the average of 41 interviews of 5 people of this type and difficulty on this server"
        == got["statusMessage"]
    )


def test_ones_own_group_is_called_so() -> None:
    """M14: on a server of one, the comparison is with the candidate's own past, and says so."""
    got = compared(61, Scores(1, {60: 10, 62: 10}))

    assert "at the average of 20 interviews of your own of this type and difficulty on this server" == got["statusMessage"]
    assert compared(60, Scores(1, {60: 10, 62: 10}))["statusMessage"].startswith("1 point below")


def test_nothing_is_compared_without_a_score() -> None:
    """R-077: an interview that was not assessed has no place."""
    assert compared(None, Scores(50, {61: 100}))["averageForDifficulty"] is None


def test_what_changed_since_last_time() -> None:
    """R-088: the same type, area by area."""
    report = played(FULL, HALF).report()
    got = since_last_time(report, held(50, difficulty=Difficulty.EASY, areas={"caching": 40, "api-design": 90}))

    assert got is not None
    assert (50, report["overallScore"] - 50, "easy", False) == (
        got["previousScore"], got["change"], got["difficulty"], got["sameDifficulty"],
    )  # fmt: skip
    now = report["coverage"]["byFocusArea"][0]["score"]
    assert [{"area": "caching", "title": "Caching Strategies", "previous": 40, "now": now, "change": now - 40}] == got["areas"]


def test_the_first_time_has_nothing_to_compare() -> None:
    """No score before, or none now."""
    report = played(FULL).report()

    assert since_last_time(report, None) is None
    assert since_last_time(report, held(None)) is None
    assert since_last_time(report | {"overallScore": None}, held(50)) is None


def test_improvement_is_expected_from_own_history_only() -> None:
    """R-082: the median change, from four interviews on."""
    rows = [held(score, days_ago=9 - n) for n, score in enumerate((40, 44, None, 50, 49))]

    assert (4, "The median change between your last 4 interviews of this type.") == expected_improvement(rows)
    figure, reason = expected_improvement(rows[:3])
    assert figure is None
    assert "4 of your own interviews" in reason


def test_the_report_is_otherwise_as_it_was_stored() -> None:
    """R-084: only what depends on other interviews is looked up; the stored version is not changed."""
    report = played(FULL, HALF).report()
    before = dict(report)
    got = placed(report, group=Scores(), before=held(50), own=[])
    changed = {"comparisonToStandards", "sinceLastTime", "suggestionForNextInterview"}

    assert {name: value for name, value in report.items() if name not in changed} == {
        name: value for name, value in got.items() if name not in changed
    }
    assert before == report
    assert got["suggestionForNextInterview"]["focusAreas"] == report["suggestionForNextInterview"]["focusAreas"]


def test_the_best_tenth_begins_at_the_nearest_rank() -> None:
    """C-44: of twenty scores the eighteenth; of one, itself; of none, nothing."""
    assert (18, 10.5, 6) == (
        Scores(2, dict.fromkeys(range(1, 21), 1)).top,
        Scores(2, dict.fromkeys(range(1, 21), 1)).average,
        Scores(2, dict.fromkeys(range(1, 21), 1)).below(7),
    )
    assert (7, None, None) == (Scores(1, {7: 1}).top, Scores().top, Scores().average)
