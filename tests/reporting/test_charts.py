"""Charts: labels that say everything, nothing cut, dashes for what was not assessed (B.2)."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.charts import Stretch, Value, coverage_bars, radar, score_ring, text_width, timeline, trend_line, wrapped

AREAS = [
    Value("Linked Lists, Stacks & Queues", 100),
    Value("Edge Cases & Code Quality", 0),
    Value("Components & Frameworks", None),
    Value("Asynchronous JavaScript", 55),
    Value("Scalability & Performance", 33),
]
values = st.lists(st.builds(Value, st.sampled_from([a.label for a in AREAS]), st.none() | st.integers(0, 100)), max_size=8)


def image(svg: str) -> ElementTree.Element:
    """The chart's root: one labelled image without any style attribute."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert "style=" not in svg
    return root


def assert_nothing_cut(svg: str) -> None:
    """Every text lies inside the picture, by the width table."""
    root = image(svg)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        size, x, y = (float(text.get(name, "0")) for name in ("font-size", "x", "y"))
        long = text_width(text.text or "", size)
        left = {"start": x, "middle": x - long / 2, "end": x - long}[text.get("text-anchor", "start")]
        assert left >= -0.1, text.text
        assert left + long <= width + 0.1, text.text
        assert size * 0.8 <= y + 0.1, text.text
        assert y + size * 0.25 <= height, text.text


@pytest.mark.parametrize(
    "svg", [score_ring(100, "Full"), score_ring(None), score_ring(0), coverage_bars(AREAS), radar(AREAS), radar(AREAS[:3])]
)
def test_no_label_is_cut(svg):
    """B.2: every text box lies inside the view box."""
    assert_nothing_cut(svg)


@given(values)
def test_no_label_is_ever_cut(areas):
    """B.2: for any areas and scores."""
    if len(areas) > 2:
        assert_nothing_cut(radar(areas))
    if areas:
        assert_nothing_cut(coverage_bars(areas))


def test_labels_say_all_values():
    """B.2: the picture's label is its text twin."""
    assert image(score_ring(72, "Good coverage")).get("aria-label") == "Overall coverage: 72 of 100, Good coverage."
    assert image(score_ring(None)).get("aria-label") == "Overall: not assessed."
    for svg in (coverage_bars(AREAS), radar(AREAS)):
        label = image(svg).get("aria-label")
        assert "Edge Cases & Code Quality 0 of 100" in label
        assert "Components & Frameworks not assessed" in label
    assert image(timeline([Stretch("Q1", 125, 180), Stretch("Q2", None, 60)])).get("aria-label") == (
        "Time for each question: Q1 2:05 of 3:00 minutes; Q2 not reached."
    )


def test_not_assessed_is_dashed():
    """B.1: awaiting is drawn as an empty dashed shape."""
    assert "stroke-dasharray" in score_ring(None)
    assert coverage_bars(AREAS).count("stroke-dasharray") == 1
    assert "stroke-dasharray" not in coverage_bars(AREAS[:2])
    assert timeline([Stretch("Q1", None, 60)]).count("stroke-dasharray") == 1
    assert "stroke-dasharray" not in radar([Value(v.label, 50) for v in AREAS])


def test_a_radar_needs_three_corners():
    """Fewer are bars only."""
    assert radar(AREAS[:2]) == ""


def test_bars_are_as_long_as_their_score():
    """The drawn length is the number."""
    widths = [float(w) for w in re.findall(r'c-fill"[^>]* width="([\d.]+)"', coverage_bars([Value("a", 100), Value("b", 50)]))]

    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)


def test_labels_are_escaped():
    """A label is text, never markup."""
    assert "<script" not in coverage_bars([Value('<script>"x"', 5)]) + radar([Value("<script>", 5)] * 3)


def test_timeline_with_long_answers_stays_inside():
    """A question that took far longer than its time sets the scale."""
    assert_nothing_cut(timeline([Stretch("Q10", 3_599, 60), Stretch("Q2", 0, 1_800)]))
    assert_nothing_cut(timeline([Stretch("Q1", 0, 0)]))


def test_words_are_wrapped_not_split():
    """Line breaks only at spaces."""
    assert wrapped("Edge Cases & Code Quality", 13, 100) == ["Edge Cases &", "Code Quality"]


@given(st.lists(st.tuples(st.sampled_from(["1 Dec 2025", "28 Nov 2026"]), st.integers(0, 100)), min_size=1, max_size=60))
def test_scores_over_time_are_all_there(points):
    """R-127: a dot and words for each score, higher up for a better one; nothing cut."""
    svg = trend_line("System design", points)
    assert_nothing_cut(svg)
    dots = list(image(svg).iter("{http://www.w3.org/2000/svg}circle"))

    assert len(points) == len(dots)
    heights = [float(dot.get("cy", "0")) for dot in dots]
    assert all(
        (a < b) == (heights[i] > heights[j]) for i, (_, a) in enumerate(points) for j, (_, b) in enumerate(points) if a != b
    )
    said = image(svg).get("aria-label", "")
    assert all(f"{when} {score} of 100" in said for when, score in points)


def test_no_scores_draw_nothing():
    """R-127: the page says so in words instead."""
    assert trend_line("Anything", []) == ""
