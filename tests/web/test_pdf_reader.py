"""Text out of PDFs, in a process that is bounded in memory, time and output (R-014)."""

from __future__ import annotations

import asyncio
import io
import time

import pytest
from pypdf import PdfReader, PdfWriter

from bridge.domain.setup import MAX_DOCUMENT
from web import documents
from web.documents import Document, read_pdf
from web.pdf_reader import tidy
from web.problems import FieldErrors

from ..pdfs import bomb, pdf

CV = "Ada Lovelace\nBack-end engineer (ten years)\nPostgreSQL, caches, queues"


@pytest.fixture
def readers() -> asyncio.Semaphore:
    """Room for two."""
    return asyncio.Semaphore(documents.MAX_READERS)


def locked(user_password: str) -> bytes:
    """The CV, encrypted."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([CV]))))
    writer.encrypt(user_password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


async def refused(data: bytes, readers: asyncio.Semaphore) -> str:
    """The sentence a file is refused with."""
    with pytest.raises(FieldErrors) as caught:
        await read_pdf(data, readers)
    assert [{"field": "file", "message": caught.value.message}] == caught.value.details
    return caught.value.message


async def test_the_text_of_a_cv(readers: asyncio.Semaphore):
    """Lines as they stand, accents and brackets kept."""
    text = f"{CV}\nZürich, naïve"

    assert Document(text, 1, truncated=False) == await read_pdf(pdf([text]), readers)


async def test_several_pages_and_no_more_than_may_be(readers: asyncio.Semaphore):
    """The first twenty pages are read; the number of all is told."""
    found = await read_pdf(pdf([f"Page {n}" for n in range(1, 26)]), readers)

    assert (25, True, 20) == (found.pages, found.truncated, found.text.count("Page"))
    assert Document("One\n\nTwo", 2, truncated=False) == await read_pdf(pdf(["One", "Two"]), readers)


async def test_a_long_text_is_cut(readers: asyncio.Semaphore):
    """No more characters than a set-up takes."""
    found = await read_pdf(pdf(["\n".join(["word " * 15] * 100)] * 6), readers)

    assert (True, True) == (found.truncated, MAX_DOCUMENT - 10 < len(found.text) <= MAX_DOCUMENT)


async def test_a_password(readers: asyncio.Semaphore):
    """One that opens without a password is read; one that needs it is said."""
    assert CV == (await read_pdf(locked(""), readers)).text
    assert "password" in await refused(locked("secret"), readers)


GARBAGE = {
    "nothing": b"",
    "text": b"Not a PDF",
    "a head": b"%PDF-1.4\n",
    "noise": b"%PDF-1.4\n" + bytes(range(256)) * 40,
    "half": pdf([CV])[:200],
    "nested": b"%PDF-1.7\n" + b"<<" * 50_000,
}


@pytest.mark.parametrize("case", list(GARBAGE))
async def test_garbage(case: str, readers: asyncio.Semaphore):
    """In words, never a traceback."""
    assert "cannot be read as a PDF" in await refused(GARBAGE[case], readers)


async def test_a_scan(readers: asyncio.Semaphore):
    """A PDF without text says so."""
    assert "no text" in await refused(pdf([""]), readers)


async def test_too_large(readers: asyncio.Semaphore):
    """2 MB."""
    assert "2 MB" in await refused(pdf([CV]) + bytes(documents.MAX_PDF_BYTES), readers)


async def test_a_bomb_ends_in_time_and_takes_nobody_along(readers: asyncio.Semaphore):
    """Small on the way in, endless inside: refused or empty within the time, and the next file is read."""
    began = time.monotonic()
    message = await refused(bomb(70), readers)

    assert message in documents.PROBLEMS.values()
    assert time.monotonic() - began < documents.SECONDS + 2
    assert CV == (await read_pdf(pdf([CV]), readers)).text


async def test_a_process_that_hangs_is_ended(readers: asyncio.Semaphore, monkeypatch: pytest.MonkeyPatch):
    """The clock on the wall counts too."""
    monkeypatch.setattr(documents, "SECONDS", 0.01)

    assert "too long" in await refused(pdf([CV]), readers)


def test_text_is_plain():
    """No control characters, no lone surrogates, no runs of spaces or empty lines: what the set-up takes."""
    assert "a b\n\nc d" == tidy("  a\x00 \t b \r\n\n\n\n\n c\ud800d\x07 ")
