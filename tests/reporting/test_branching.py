"""An answer given again beside the first one (M15)."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.domain.branch import Attempt
from reporting.branching import NOT_COMPARED, changed, not_compared, repeats
from reporting.render import report_context
from web.templating import template

from .samples import FULL, HALF, played

QUESTION = played(FULL).report()["questionAnalysis"][0]["questionId"]
PAGE = {
    "session_id": "s",
    "report_status": "ready",
    "session_status": "completed",
    "path": "/",
    "version": "1",
    "demo": False,
    "me": None,
}


def test_what_was_gained_and_lost() -> None:
    """Score and key points of both answers, as their reports have them."""
    before, now = played(HALF).report(), played(FULL).report()
    found = changed(before, now, QUESTION)
    assert found is not None

    old, new = before["questionAnalysis"][0], now["questionAnalysis"][0]
    assert (old["userScore"], new["userScore"], new["userScore"] - old["userScore"]) == (
        found["previousScore"], found["score"], found["change"],
    )  # fmt: skip
    assert (old["answer"], new["answer"]) == (found["previousAnswer"], found["answer"])
    moves = {point["id"]: point["move"] for point in found["points"]}
    assert {p["id"] for p in new["keyPoints"]} == set(moves)
    assert "gained" in moves.values()
    assert "lost" not in moves.values()
    back = changed(now, before, QUESTION)
    assert back is not None
    assert "lost" in {point["move"] for point in back["points"]}


def test_an_answer_without_a_score_has_no_change() -> None:
    """Silence is not zero: nothing is subtracted from it."""
    found = changed(played(None, FULL).report(), played(FULL).report(), QUESTION)

    assert found is not None
    assert (None, None) == (found["previousScore"], found["change"])
    assert changed(played(FULL).report(), played(FULL).report(), "unknown") is None


def test_different_ways_of_scoring_are_said() -> None:
    """A judged answer and a covered one: their scores are shown with a warning."""
    before, now = played(HALF).report(), played(FULL).report()
    now["questionAnalysis"][0]["scoredBy"] = "judge"
    found = changed(before, now, QUESTION)

    assert found is not None
    assert "different ways" in found["note"]


def test_the_page_and_the_document_show_both() -> None:
    """Then and now, on the page and in the PDF's document; answers stay text."""
    before, now = played(HALF).report(), played(FULL).report()
    before["questionAnalysis"][0]["answer"] = "<script>alert(1)</script>"
    now |= {"answeredBefore": changed(before, now, QUESTION), "answeredAgain": []}
    for name in ("report.html", "report_pdf.html"):
        html = template(name).render(**report_context(now) | PAGE)
        assert "Then and now" in html
        assert "New this time" in html
        assert "<script>alert" not in html


def test_the_first_report_names_its_repeats() -> None:
    """Each question's repeats stand at the question, with the score once there is one."""
    report = played(HALF, FULL).report()
    attempts = [
        Attempt("a" * 8, QUESTION, datetime(2026, 12, 4, tzinfo=UTC), 90),
        Attempt("b" * 8, QUESTION, datetime(2026, 12, 5, tzinfo=UTC), None),
    ]
    report["answeredAgain"] = repeats(attempts)
    html = template("report.html").render(**report_context(report) | PAGE)

    assert 1 == html.count("Answered again:")
    assert "4 December 2026, 90 of 100" in html
    assert "/interviews/bbbbbbbb/report" in html


def test_a_repeat_is_not_compared_with_whole_interviews() -> None:
    """C-44: no group, no last time; words say why."""
    report = played(FULL).report() | {"sinceLastTime": {"change": 3}}
    placed = not_compared(report)

    assert (NOT_COMPARED, None) == (placed["comparisonToStandards"]["statusMessage"], placed["sinceLastTime"])
