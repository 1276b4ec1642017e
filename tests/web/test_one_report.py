"""The numbers of a report are the same wherever they are shown: page, PDF, JSON, letter ("Done when" of the report)."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from bridge.usecases import calling
from reporting.job import write_report
from web.pdf import available

from ..smtp import Post, listening
from .house import House, live_session, running, tell

TAG = re.compile(r"<[^>]+>")


def flat(text: str) -> str:
    """Without markup and without space: how a number looks whatever draws it."""
    return "".join(TAG.sub(" ", text).split())


@pytest.mark.skipif(not available(), reason="WeasyPrint or Pango is not on this machine")
@pytest.mark.timeout(180)
async def test_page_pdf_json_and_letter_say_the_same(tmp_path: Path) -> None:
    """R-131, R-130, R-087: overall, band, change since last time, breakdown, and every question's score and sum."""
    post = Post()
    async with (
        listening(post) as port,
        running(tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="r@prepkit.test") as house,
    ):
        await house.finished(answers=["I do not know.", None, "A cache, perhaps."])
        session_id = await half_good(house)
        where = f"/api/interviews/{session_id}/report"
        report = (await house.call("GET", where))[1]
        shown = (await house.call("GET", f"/api/interviews/{session_id}"))[1]["report"]
        page = (await house.fetch("GET", f"/interviews/{session_id}/report"))[1]
        async with house.client.get(f"{house.origin}{where}.pdf") as answer:
            file = await answer.read()
        await house.call("POST", f"{where}/mail", json={"address": "ana@example.org", "attachPdf": True})
        async with asyncio.timeout(90):
            while not post.letters:
                await asyncio.sleep(0.1)

    (letter,) = post.letters
    (attached,) = letter.iter_attachments()
    documents = [
        " ".join(each.extract_text() for each in PdfReader(io.BytesIO(data)).pages) for data in (file, attached.get_content())
    ]
    text, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert report == shown

    change = report["sinceLastTime"]["change"]
    assert change > 0
    everywhere = [
        f"{report['overallScore']}", report["band"]["name"], f"+{change} points",
        f"{report['coverage']['questions']['assessed']} of {report['coverage']['questions']['planned']}",
        f"{report['coverage']['points']['yes']} of {sum(report['coverage']['points'].values())}",
    ]  # fmt: skip
    scored = [f"{q['userScore']} of 100" for q in report["questionAnalysis"] if q["userScore"] is not None]
    measured = [score for score in report["scoreBreakdown"].values() if score is not None]
    for name, drawn in (("page", page), ("pdf", documents[0]), ("attached", documents[1]), ("text", text), ("html", html)):
        squeezed = flat(drawn)
        assert [] == [part for part in (*everywhere, *scored, *map(str, measured)) if flat(part) not in squeezed], name
    sums = [q["arithmetic"] for q in report["questionAnalysis"] if q["arithmetic"]] + [report["rubric"]["arithmetic"]]
    for name, drawn in (("page", page), ("pdf", documents[0]), ("attached", documents[1])):
        squeezed = flat(drawn)
        assert [] == [part for part in sums if flat(part) not in squeezed], name
    numbers = re.findall(r"(\d+) of 100", " ".join(text.split()))
    assert sorted(map(int, numbers)) == sorted(
        [report["overallScore"], *measured, *(int(s.split()[0]) for s in scored), *_last(text)]
    )


def _last(text: str) -> list[int]:
    """The score of the last time, which the letter names beside the change."""
    return [int(score) for score in re.findall(r"since .* \((\d+) of 100", text)]


async def half_good(house: House) -> str:
    """An interview that is answered well, half, and not at all; the id."""
    now = datetime.now(UTC)
    admitted = await live_session(house.store, house.user, now=now)
    model = [question.model_answer for question in admitted.session.questions]
    sentences = model[1].split(". ")
    at_ms = await tell(house.store, admitted.session, answers=[model[0], ". ".join(sentences[: len(sentences) // 2]), None])
    await calling.finish(house.store, admitted.session.id, "finished", elapsed_ms=at_ms, now=now)
    await write_report(house.store, admitted.session.id)
    return admitted.session.id
