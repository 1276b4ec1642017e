"""Numbers over time as people read them (R-127)."""

from __future__ import annotations

import pytest

from bridge.domain.standing import Points
from reporting.progress import progress, statistics
from reporting.render_progress import length, progress_context, short_day, signed

from .samples import NOW
from .test_progress import DESIGN, held


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 min"), (59, "1 min"), (3540, "59 min"), (3599, "1 h 00 min"), (7500, "2 h 05 min")]
)
def test_lengths(seconds: int, text: str) -> None:
    """Rounded to minutes, without a sixtieth one."""
    assert text == length(seconds)


def test_signs_and_days() -> None:
    """A real minus, and a day without a locale."""
    assert ["+4", "±0", "−3"] == [signed(change) for change in (4, 0, -3)]
    assert "3 Dec 2026" == short_day("2026-12-03T10:45:00Z")


def test_the_page_shows_what_the_numbers_say() -> None:
    """R-127: newest row first, every chart with its table's scores, a link to practise each weakness."""
    rows = [
        held(2, 80, days_ago=0, areas={"caching": 80}, concepts={"cache-patterns": Points(4, 4)}),
        held(1, 60, days_ago=3, areas={"caching": 40}, dimensions={"timeManagement": 70}),
    ]
    context = progress_context(statistics([], rows), progress(rows, {}, now=NOW))

    assert ["session-2", "session-1"] == [row["session_id"] for row in context["overall"]["rows"]]
    assert "3 Dec 2026 80 of 100" in context["overall"]["chart"]
    assert [("Time management", 70, None), ("Caching Strategies", 80, "+40")] == [
        (part["title"], part["latest"], part["moves"]) for part in context["types"][0]["parts"]
    ]
    [weak] = context["weaknesses"]
    assert "Weak in 1 of 1 interview that asked for it" == weak["times"]
    assert f"/?type={DESIGN.value}&difficulty=medium&focus=caching" == weak["practise"]
    assert "+20" == context["overall"]["moves"]["signed"]


def test_nothing_is_a_dash() -> None:
    """R-126: no number is made up."""
    context = progress_context(statistics([], []), progress([], {}, now=NOW))

    assert 0 == context["held"]
    assert {"Average score": "–", "Best score": "–", "Last five": "–", "Last interview": "–"} == {
        item["label"]: item["value"] for item in context["numbers"] if item["value"] == "–"
    }
    assert "" == context["overall"]["chart"]
