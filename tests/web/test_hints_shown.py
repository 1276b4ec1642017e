"""Study mode's hints are seen wherever the report is: on the page, in the PDF and through a link (M12, R-020, R-087, R-131)."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from bridge.domain.setup import Mode
from bridge.usecases import calling
from reporting.job import write_report
from web.pdf import available

from .house import SETUP, House, live_session, running, tell

HINTS = {
    1: ("Look at it from the side of <caching>.", "What would happen to the slowest query?"),
    3: ("Say what you would measure first.",),
}


async def studied(house: House, hints: dict[int, tuple[str, ...]]) -> str:
    """A study interview of three questions with these hints; the second answer is the last, the third stays out."""
    now = datetime.now(UTC)
    admitted = await live_session(house.store, house.user, replace(SETUP, mode=Mode.STUDY), now)
    told = [question.model_answer for question in admitted.session.questions[:2]]
    at_ms = await tell(house.store, admitted.session, answers=[*told, None], hints=hints)
    await calling.finish(house.store, admitted.session.id, "finished", elapsed_ms=at_ms, now=now)
    await write_report(house.store, admitted.session.id)
    return admitted.session.id


def cards(page: str) -> list[str]:
    """The questions of a report's page, one text each, as it is read."""
    found = re.findall(r'<article class="card question" id="question-\d+".*?</article>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", card).split()) for card in found]


@pytest.mark.timeout(180)
async def test_page_and_link_show_each_hint_with_its_question(tmp_path: Path) -> None:
    """M12: their number in the question's head and every text as text, also where nothing was answered; none elsewhere."""
    async with running(tmp_path) as house:
        session_id = await studied(house, HINTS)
        report = (await house.call("GET", f"/api/interviews/{session_id}/report"))[1]
        page = (await house.fetch("GET", f"/interviews/{session_id}/report"))[1]
        link = (await house.call("POST", f"/api/interviews/{session_id}/share", json={"hideTranscript": True}))[1]["url"]
        shared = (await house.fetch("GET", link.removeprefix(house.origin)))[1]

    assert [2, 0, 1] == [len(question["hints"]) for question in report["questionAnalysis"]]
    for name, drawn in (("page", page), ("shared", shared)):
        first, second, third = cards(drawn)
        assert "2 hints" in first.split(report["questionAnalysis"][0]["questionText"])[0], name
        assert "With 2 hints Look at it from the side of &lt;caching&gt;. What would happen to the slowest query?" in first, name
        assert "hint" not in second.lower(), name
        assert "With 1 hint Say what you would measure first." in third, name


@pytest.mark.skipif(not available(), reason="WeasyPrint or Pango is not on this machine")
@pytest.mark.timeout(180)
async def test_the_pdf_shows_them_too(tmp_path: Path) -> None:
    """M12, R-131: the same numbers and texts on paper."""
    async with running(tmp_path) as house:
        session_id = await studied(house, HINTS)
        async with house.client.get(f"{house.origin}/api/interviews/{session_id}/report.pdf") as answer:
            assert 200 == answer.status
            file = await answer.read()

    text = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages).split())
    assert text.count("2hints·") == 1
    assert text.count("1hint·") == 1
    for part in (
        "With2hints",
        "Lookatitfromthesideof<caching>.",
        "Whatwouldhappentotheslowestquery?",
        "With1hint",
        "Saywhatyouwouldmeasurefirst.",
    ):
        assert part in text
    assert 2 == len(re.findall(r"With\d+hints?", text))
