"""Numbers over time are sums that can be checked (R-126, R-127, M13)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import bank
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.standing import Points, ReportFacts, Scores, TypeTotals
from reporting.progress import MOST_WEAKNESSES, is_weak, latest_scores, progress, statistics, trend, weaknesses

from .samples import NOW

DESIGN, DSA = InterviewType.SYSTEM_DESIGN, InterviewType.DSA


def held(
    n: int,
    score: int | None = 50,
    *,
    days_ago: float = 0,
    kind: InterviewType = DESIGN,
    difficulty=Difficulty.MEDIUM,
    **more: object,
) -> ReportFacts:
    """Facts of interview n."""
    at = NOW - timedelta(days=days_ago)
    return ReportFacts(f"session-{n}", "me", f"report-{n}", kind, difficulty, at, score, **more)


@pytest.mark.parametrize(
    ("scores", "change", "percent", "arithmetic"),
    [
        ([60, 72], 12, 20, "72 − 60 = 12"),
        ([90, 60, 64, 99, 72, 80], 14, 23, "(72 + 80) ÷ 2 − (60 + 64) ÷ 2 = 14"),
        ([50, 51, 49], -1, -2, "49 − 50 = −1"),
        ([0, 0], 0, None, "0 − 0 = 0"),
        ([1, 2, 1, 1], 0, -33, "(1 + 1) ÷ 2 − (1 + 2) ÷ 2 = −0.5"),
    ],
)
def test_a_trend_is_the_newer_half_less_the_older(scores, change, percent, arithmetic) -> None:
    """R-126: over the last five, the middle one of an odd number left out, with the sum to check it by."""
    assert {"scores": scores[-5:], "change": change, "percent": percent, "arithmetic": arithmetic} == trend(scores)


def test_one_score_is_no_trend() -> None:
    """Nothing is made up from nothing."""
    assert trend([]) is None
    assert trend([70]) is None


@given(st.lists(st.integers(0, 100), max_size=12))
def test_a_trend_looks_at_five(scores: list[int]) -> None:
    """Whatever came before the last five changes nothing."""
    assert trend(scores) == trend(scores[-5:])


def test_statistics_are_sums_over_the_types() -> None:
    """R-126: totals, average over all scored interviews (not over the types), best, last, per type."""
    totals = [
        TypeTotals(DSA, 4, 2400, NOW, 3, 50.0, 71),
        TypeTotals(DESIGN, 1, 600, NOW + timedelta(days=1), 1, 90.0, 90),
        TypeTotals(InterviewType.BEHAVIORAL, 1, 60, None),
    ]
    got = statistics(totals, [held(2, 90), held(1, None), held(0, 60)])

    assert (6, 4, 3060) == (got["totalInterviews"], got["scoredInterviews"], got["totalSeconds"])
    assert (60, 90, "2026-12-04T10:45:00Z") == (got["averageScore"], got["bestScore"], got["lastInterviewAt"])
    assert (50, 30) == (got["improvementTrend"], got["trend"]["change"])
    assert ["dsa", "system-design", "behavioral"] == list(got["byType"])
    assert (4, 50, 71) == tuple(got["byType"]["dsa"][name] for name in ("interviews", "averageScore", "bestScore"))
    assert (1, None, None) == tuple(got["byType"]["behavioral"][name] for name in ("interviews", "averageScore", "bestScore"))


def test_nobody_has_statistics_yet() -> None:
    """R-126: zero interviews, and null for what cannot be known."""
    got = statistics([], [])

    assert (0, 0) == (got["totalInterviews"], got["totalSeconds"])
    assert {None} == {got[name] for name in ("averageScore", "bestScore", "lastInterviewAt", "improvementTrend", "trend")}
    assert {} == got["byType"]


def test_trends_are_by_type_skill_and_area() -> None:
    """R-127: each series holds the interviews that have a value, oldest first."""
    rows = [
        held(3, 80, days_ago=1, dimensions={"timeManagement": 90}, areas={"caching": 80}),
        held(2, None, days_ago=2, areas={"caching": 10}),
        held(1, 60, days_ago=3, dimensions={"timeManagement": 70}, areas={"api-design": 60}),
        held(0, 40, days_ago=4, kind=DSA, areas={"trees-graphs": 40}),
    ]
    got = progress(rows, {}, now=NOW)

    assert ["dsa", "system-design"] == [each["type"] for each in got["types"]]
    design = got["types"][1]
    assert [("session-1", 60), ("session-3", 80)] == [(p["sessionId"], p["score"]) for p in design["points"]]
    assert (80, 80, 70, 20) == (design["latest"], design["best"], design["average"], design["trend"]["change"])
    assert ["timeManagement"] == [each["skill"] for each in design["skills"]]
    assert [70, 90] == [p["score"] for p in design["skills"][0]["points"]]
    assert {"caching": [10, 80], "api-design": [60]} == {
        each["area"]: [p["score"] for p in each["points"]] for each in design["areas"]
    }


def test_a_weakness_that_comes_back_is_counted() -> None:
    """M13: interviews it was asked in, those it was weak in, and whether it still is."""
    rows = [
        held(1, days_ago=0, concepts={"cache-patterns": Points(4, 3), "sharding": Points(4, 0), "delivery": Points(2, 2)}),
        held(2, days_ago=30, concepts={"cache-patterns": Points(4, 1.5), "sharding": Points(4, 4)}),
        held(3, days_ago=60, concepts={"cache-patterns": Points(2, 2), "messaging": Points(5, 2)}),
    ]
    found = {each["concept"]: each for each in weaknesses(rows, NOW)}

    assert ["cache-patterns", "delivery", "sharding"] == list(found)  # the one that improved comes last
    assert ("recurring", 2, 3) == tuple(found["cache-patterns"][name] for name in ("state", "timesWeak", "timesAsked"))
    assert ("new", 1, 1) == tuple(found["delivery"][name] for name in ("state", "timesWeak", "timesAsked"))
    assert ("improving", 1, 2) == tuple(found["sharding"][name] for name in ("state", "timesWeak", "timesAsked"))
    assert "2026-11-03T10:45:00Z" == found["sharding"]["lastSeenAt"]


def test_what_is_long_past_counts_less() -> None:
    """M13: a missed point halves every thirty days, so the fresh one comes first."""
    rows = [
        held(1, days_ago=30, concepts={"sharding": Points(4, 4)}),
        held(2, days_ago=0, concepts={"delivery": Points(3, 3)}),
        held(3, days_ago=90, concepts={"messaging": Points(8, 8)}),
    ]

    assert [("delivery", 3.0), ("sharding", 2.0), ("messaging", 1.0)] == [
        (each["concept"], each["weight"]) for each in weaknesses(rows, NOW)
    ]


def test_a_weakness_leads_to_its_next_interview() -> None:
    """M13, C-45: a set-up with its area, lessons of the curriculum; a skill of all areas asks for none."""
    row = held(
        1, difficulty=Difficulty.HARD, concepts={"caching": Points(1, 1), "cache-patterns": Points(3, 3), "failure": Points(2, 2)}
    )
    found = {each["concept"]: each for each in weaknesses([row], NOW)}
    lesson = next(lesson for lesson in bank.module(DESIGN).lessons if lesson.ref == "4.7")

    assert {"type": "system-design", "difficulty": "hard", "focusAreas": ["caching"]} == found["cache-patterns"]["setup"]
    assert [f"Module 4, Lesson 4.7: {lesson.title}"] == found["cache-patterns"]["lessons"]
    assert ([], None, []) == (
        found["failure"]["setup"]["focusAreas"],
        found["failure"]["areaTitle"],
        found["failure"]["lessons"],
    )


def test_an_area_stands_in_for_an_unknown_concept() -> None:
    """C-45: named as the area, without a lesson."""
    [found] = weaknesses([held(1, concepts={"area:caching": Points(2, 2)})], NOW)

    assert ("Caching Strategies", "caching", []) == (found["title"], found["area"], found["lessons"])


def test_weak_is_more_than_two_fifths_missed() -> None:
    """The rule itself; and a page shows the heaviest ten."""
    assert not is_weak(Points(5, 2))
    assert is_weak(Points(5, 2.5))
    many = held(1, concepts={f"area:{n}": Points(1, 1) for n in range(30)})
    assert MOST_WEAKNESSES == len(weaknesses([many], NOW))


def test_comparison_is_with_the_newest_score_of_each_kind() -> None:
    """C-44: in the order of the catalogue."""
    rows = [
        held(1, 40, days_ago=2),
        held(2, 60, days_ago=1),
        held(3, None),
        held(4, 70, kind=DSA, difficulty=Difficulty.HARD),
        held(5, 30, kind=DSA, difficulty=Difficulty.EASY),
    ]
    scores = latest_scores(rows)
    got = progress(rows, {key: Scores(3, {50: 3}) for key in scores}, now=NOW)

    assert [(DSA, Difficulty.EASY), (DSA, Difficulty.HARD), (DESIGN, Difficulty.MEDIUM)] == list(scores)
    assert [30, 70, 60] == [each["yourScore"] for each in got["benchmarks"]]
    assert {None} == {each["averageForDifficulty"] for each in got["benchmarks"]}


def test_the_order_of_rows_does_not_matter() -> None:
    """Facts come newest first; the answer is by time."""
    rows = [held(n, n, days_ago=n, concepts={"sharding": Points(2, 2)}) for n in range(6)]
    now: datetime = NOW

    assert progress(rows, {}, now=now) == progress(rows[::-1], {}, now=now)
