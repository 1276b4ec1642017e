"""The basic report of the free tier (R-089, C-10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from bridge.domain.sharing import ShareLink
from reporting.basic import basic, is_basic
from reporting.render import report_context
from reporting.shared import shared
from web.templating import template

from .samples import FULL, HALF, played

NOW = datetime(2026, 12, 3, tzinfo=UTC)


def test_one_of_each_and_nothing_else() -> None:
    """C-10: overall, summary, one strength, one weakness, one recommendation, each as it stands in the full one."""
    report = played(FULL, HALF, None).report()
    view = basic(report)

    assert (report["overallScore"], report["band"], report["summary"]) == (view["overallScore"], view["band"], view["summary"])
    for name in ("strengths", "weaknesses", "recommendations"):
        assert report[name][:1] == view[name]
        assert len(report[name]) - len(view[name]) == view["more"][name]
    assert not {"questionAnalysis", "transcript", "evidence", "coverage", "clocks", "scoreBreakdown", "rubric"} & set(view)
    assert len(report["questionAnalysis"]) == view["more"]["questions"]
    assert is_basic(view)
    assert not is_basic(report)
    assert view == basic(view)


def test_a_report_without_claims_has_a_basic_view() -> None:
    """Nothing to name stays nothing."""
    report = played("I do not know.", None, None).report()
    view = basic(report)

    assert [] == view["strengths"]
    assert report["strengthsNote"] == view["strengthsNote"]


def test_page_and_document_show_no_more_than_the_view() -> None:
    """The page and the PDF's document are drawn from the view alone: no word of the transcript beyond the one quote."""
    report = played(FULL, HALF, None).report()
    for name in ("report.html", "report_pdf.html"):
        context = report_context(basic(report)) | {
            "session_id": "s", "report_status": "ready", "session_status": "completed", "path": "/", "version": "1", "demo": False, "me": None,
        }  # fmt: skip
        html = template(name).render(**context)
        assert "In the full report" in html
        assert HALF not in html
        assert report["questionAnalysis"][0]["modelAnswer"] not in html


@pytest.mark.parametrize(("hide_name", "hide_words"), list(product([True, False], repeat=2)))
def test_shared_it_hides_what_the_link_hides(hide_name: bool, hide_words: bool) -> None:
    """R-118: a basic report through a link."""
    link = ShareLink("l", "s", hide_name, hide_words, True, NOW, NOW + timedelta(days=1))
    view = shared(basic(played(FULL, HALF, None).report()), link, name="Ana", recording=True)
    html = template("share.html").render(
        **report_context(view), media="", name=view["name"], until="soon", path="/", version="1", demo=False, me=None
    )

    assert ("Ana" in html) is not hide_name
    assert ("You said" in html) is not hide_words
    assert not {"reportId", "sessionId"} & set(view)
    assert "In the full report" not in html
