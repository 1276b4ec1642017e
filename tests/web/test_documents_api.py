"""`POST /api/interviews/documents` (R-014)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import aiohttp
import pytest

from web.documents import MAX_PDF_BYTES

from ..pdfs import pdf
from .house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/interviews/documents"


def form(data: bytes, name: str = "file", **options: str) -> aiohttp.FormData:
    """A form with one file."""
    made = aiohttp.FormData()
    made.add_field(name, io.BytesIO(data), filename="cv.pdf", content_type="application/pdf", **options)
    return made


async def test_the_text_comes_back_and_nothing_is_kept(house: House):
    """The answer is the text; no file appears in the data folder."""

    def files() -> set[Path]:
        return {path for path in house.data_dir.rglob("*") if "prepkit.db" not in path.name}

    before = files()
    status, body = await house.call("POST", PATH, data=form(pdf(["Ada Lovelace", "Engines"])))

    assert (200, {"text": "Ada Lovelace\n\nEngines", "pages": 2, "truncated": False}) == (status, body)
    assert before == files()


USELESS = {
    "text": (b"no pdf", "cannot be read"),
    "broken": (b"%PDF-1.4 broken", "cannot be read"),
    "scan": (pdf([""]), "no text"),
    "large": (b"%PDF-" + bytes(MAX_PDF_BYTES), "2 MB"),
}


@pytest.mark.parametrize("case", list(USELESS))
async def test_a_file_that_is_of_no_use(house: House, case: str):
    """422 with a sentence at the field."""
    data, word = USELESS[case]
    status, body = await house.call("POST", PATH, data=form(data))

    assert (422, "validation_failed", "file") == (status, body["error"]["code"], body["error"]["details"][0]["field"])
    assert word in body["error"]["message"]


async def test_no_file(house: House):
    """Another field, or none."""
    for made in (form(pdf(["x"]), "cv"), aiohttp.FormData({"file": "just text"})):
        status, _ = await house.call("POST", PATH, data=made)
        assert status in (400, 422)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/json", b"{}"),
        ("application/pdf", pdf(["x"])),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"no boundary here"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=file\r\n\r\n%PDF-"),
        ("multipart/form-data; boundary=a", b"--a\r\n" + b"X" * 70_000 + b"\r\n\r\n--a--"),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: x\r\n\r\nz\r\n--a--',
        ),
        ("multipart/form-data; boundary=" + "a" * 100, b"x"),
    ],
)
async def test_what_is_no_form(house: House, kind: str, data: bytes):
    """Contract 6: refused in our shape, never a 5xx."""
    response, text = await house.fetch("POST", PATH, data=data, headers={"Content-Type": kind})

    assert response.status in (400, 413, 422), text
    assert json.loads(text)["error"]["message"]


async def test_another_site_may_not_upload(house: House):
    """A3: no foreign page."""
    status, _ = await house.call("POST", PATH, data=form(pdf(["x"])), headers={"Origin": "https://evil.example"})

    assert status == 403


async def test_documents_are_stored_with_the_interview_and_go_with_it(house: House):
    """R-014, R-115: kept for the interview, not shown around, purged when it is deleted."""
    made = await house.set_up(cv="  Ten years of databases.  ", jobDescription="Queues.")
    session_id = made["sessionId"]
    async with house.store.read() as tx:
        session = await tx.session(session_id)
    assert session is not None
    assert ("Ten years of databases.", "Queues.") == (session.setup.cv, session.setup.job_description)
    assert "databases" not in repr(session)

    _, shown = await house.fetch("GET", f"/api/interviews/{session_id}")
    assert "databases" not in shown
    await house.call("DELETE", f"/api/interviews/{session_id}")
    async with house.store.begin() as tx:
        await tx.purge_session(session_id)
        purged = await tx.session(session_id)
    assert purged is not None
    assert ("", "") == (purged.setup.cv, purged.setup.job_description)
