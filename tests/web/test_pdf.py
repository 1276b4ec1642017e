"""Reports as PDF files: the same content as the page, made apart, with bounds, and words where it cannot be done (R-131)."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from bridge.errors import AtCapacity, NotInstalled
from web import pdf, pdf_writer
from web.pdf import MISSING, available, of

from ..reporting.samples import FULL, HALF, Play, played
from ..samples import setup_with
from .house import UNKNOWN, House

needs_pango = pytest.mark.skipif(not available(), reason="WeasyPrint or Pango is not on this machine")
ATTACK = '<script>alert(1)</script><img src="http://127.0.0.1:9/x.png"><style>@import "file:///etc/passwd";</style>'


def text_of(data: bytes) -> str:
    """All text of a PDF, in single spaces, broken words joined."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    return " ".join(" ".join(pages).split())


async def made(report: dict[str, Any]) -> bytes:
    """The PDF of a report."""
    return await of(report, asyncio.Semaphore(1))


@needs_pango
@pytest.mark.timeout(120)
async def test_it_holds_what_the_report_says() -> None:
    """R-131: scores, arithmetic, words, key points, transcript; tagged, titled, A4, nothing that runs."""
    report = played(FULL, HALF, None).report()
    data = await made(report)
    reader = PdfReader(io.BytesIO(data))
    text = text_of(data)

    wanted = [
        f"{report['overallScore']}",
        report["band"]["name"],
        report["disclaimer"],
        report["rubric"]["arithmetic"],
        report["rubric"]["timeManagement"]["arithmetic"],
        report["reportId"],
        *(question["questionText"] for question in report["questionAnalysis"]),
        *(question["arithmetic"] for question in report["questionAnalysis"] if question["arithmetic"]),
        *(point["text"] for question in report["questionAnalysis"] for point in question["keyPoints"]),
        *(line["text"] for line in report["transcript"]),
        *report["nextSteps"],
    ]
    squeezed = text.replace(" ", "")
    assert [part for part in wanted if part.replace(" ", "") not in squeezed] == []
    assert "/StructTreeRoot" in reader.trailer["/Root"]
    assert "Interview report: System Design & Architecture" in str(reader.metadata and reader.metadata.title)
    assert (595, 842) == tuple(round(float(side)) for side in reader.pages[0].mediabox[2:])
    assert not {"/JavaScript", "/OpenAction", "/AA"} & set(reader.trailer["/Root"])


@needs_pango
@pytest.mark.timeout(120)
async def test_whatever_was_said_is_text() -> None:
    """A10: markup in answers and wishes is shown, not obeyed; nothing is fetched or embedded."""
    play: Play = played(f"I would put a cache in front. {ATTACK}", setup=setup_with(company=ATTACK, specific_requirements=ATTACK))
    data = await made(play.report())

    assert text_of(data).replace(" ", "").count("<script>alert(1)</script>") >= 3
    assert b"/EmbeddedFile" not in data
    assert b"/URI" not in data
    assert not any("/Image" in str(page.get("/Resources", {}).get("/XObject", {})) for page in PdfReader(io.BytesIO(data)).pages)


@needs_pango
def test_nothing_is_fetched() -> None:
    """A11, A12: neither a file nor an address, whatever the HTML asks for."""
    html = '<link rel=stylesheet href="file:///etc/passwd"><img src="http://127.0.0.1:9/"><p>Still here'

    assert "Still here" in text_of(pdf_writer.write(html))


async def test_without_weasyprint_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """R-131: a stable code and the two commands."""
    monkeypatch.setattr(pdf, "available", lambda: False)
    with pytest.raises(NotInstalled, match=r"prepkit-voice-bridge\[pdf\].*apt-get install libpango") as refused:
        await made(played(FULL).report())
    assert "not_installed" == refused.value.code


@needs_pango
@pytest.mark.timeout(120)
async def test_one_writer_makes_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: asked for together they share as many processes as may write at once; one that has made enough is replaced, and none is left."""
    started: list[pdf._Writer] = []
    start = pdf._Writer.start

    async def counted() -> pdf._Writer:
        started.append(await start())
        return started[-1]

    monkeypatch.setattr(pdf._Writer, "start", counted)
    monkeypatch.setattr(pdf, "DOCUMENTS", 3)
    words = ("Aardvark", "Buffalo")
    reports = [played(f"I would ask the {word}.").report() for word in words]

    async with pdf.Press(asyncio.Semaphore(2)) as press:
        made_ = await asyncio.gather(*(press.of(reports[n % 2]) for n in range(8)))

    assert [[word in text_of(each) for word in words] for each in made_] == [[True, False], [False, True]] * 4
    assert 3 <= len(started) <= 4
    assert all(writer.code is not None for writer in started)


async def test_a_writer_without_its_libraries_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-131: found out only when it starts, the answer is the same."""
    monkeypatch.setattr(pdf, "available", lambda: True)
    script = tmp_path / "pdf_writer.py"
    script.write_text(f"import sys; sys.exit({MISSING})")
    monkeypatch.setattr(pdf, "files", lambda _: tmp_path)
    with pytest.raises(NotInstalled):
        await made(played(FULL).report())


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "print('no pdf at all')",
        "import sys; sys.exit(1)",
    ],
)
async def test_a_writer_that_fails_costs_nobody_else(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B5: too slow, killed by its limits, or broken: said in words, with the print view as the way out."""
    monkeypatch.setattr(pdf, "available", lambda: True)
    monkeypatch.setattr(pdf, "SECONDS", 1.0)
    (tmp_path / "pdf_writer.py").write_text(code)
    monkeypatch.setattr(pdf, "files", lambda _: tmp_path)
    began = time.monotonic()
    with pytest.raises(AtCapacity, match="print the report page"):
        await made(played(FULL).report())
    assert time.monotonic() - began < 10


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's here")
async def test_a_writer_limits_itself() -> None:
    """B5: memory and the first document's time are bounded before anything is read, and no file can be written."""
    code = (
        "import sys; sys.path.append('web'); import pdf_writer, resource; pdf_writer.limit();"
        "print(*(resource.getrlimit(r)[0] for r in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()

    assert [pdf_writer.CPU_SECONDS, pdf_writer.MEMORY_BYTES, 0] == [int(word) for word in output.split()]


@pytest.mark.asyncio(loop_scope="module")
@needs_pango
@pytest.mark.timeout(120)
async def test_the_page_the_answer_and_the_file_agree(house: House) -> None:
    """R-131, R-087: report page = JSON = PDF, number for number; a file with a name; 409 before there is a report."""
    session = await house.finished(answers=["I would cache reads and shard by key.", "I do not know."])
    _, report = await house.call("GET", f"/api/interviews/{session.id}/report")
    _, page = await house.fetch("GET", f"/interviews/{session.id}/report")
    async with house.client.get(f"{house.origin}/api/interviews/{session.id}/report.pdf") as response:
        assert (200, "application/pdf") == (response.status, response.headers["Content-Type"])
        assert re.fullmatch(
            r'attachment; filename="interview-report-\d{4}-\d\d-\d\d\.pdf"', response.headers["Content-Disposition"]
        )
        text = text_of(await response.read()).replace(" ", "")
    assert "/report.pdf" in page
    for question in report["questionAnalysis"]:
        if question["arithmetic"]:
            assert question["arithmetic"].replace(" ", "") in text
            assert question["arithmetic"] in page
    for area in report["coverage"]["byFocusArea"]:
        score = "not assessed" if area["score"] is None else str(area["score"])
        row = [area["title"], score, *(str(area["points"][kind]) for kind in ("yes", "partly", "no"))]
        assert "".join(row).replace(" ", "") in text
        assert f"{area['title'].replace('&', '&amp;')}</th><td>{score}</td>" in page
    assert report["rubric"]["arithmetic"].replace(" ", "") in text

    unfinished = await house.set_up()
    status, body = await house.call("GET", f"/api/interviews/{unfinished['sessionId']}/report.pdf")
    assert (409, "There is no report yet.") == (status, body["error"]["message"])
    assert 404 == (await house.call("GET", f"/api/interviews/{UNKNOWN}/report.pdf"))[0]


@pytest.mark.asyncio(loop_scope="module")
async def test_without_it_the_door_says_501_and_the_page_prints(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-131: the page offers what works."""
    monkeypatch.setattr(pdf, "available", lambda: False)
    session = await house.finished()
    status, body = await house.call("GET", f"/api/interviews/{session.id}/report.pdf")
    _, page = await house.fetch("GET", f"/interviews/{session.id}/report")

    assert (501, "not_installed") == (status, body["error"]["code"])
    assert "/report.pdf" not in page
    assert "Print or save as PDF" in page
