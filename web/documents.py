"""Text out of an uploaded PDF: size, pages, time and memory bounded, the parsing itself in another process (R-014).

A file is read, answered and forgotten here; what the candidate keeps of its text comes back with the set-up. Read next: `pdf_reader`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from aiohttp import web

from bridge.domain.setup import MAX_DOCUMENT

from .problems import FieldErrors

MAX_PDF_BYTES = 2 * 1024 * 1024
MAX_PAGES = 20
SECONDS = 10.0
READERS: web.AppKey[asyncio.Semaphore] = web.AppKey("pdf_readers", asyncio.Semaphore)
MAX_READERS = 2
"""At once; each costs up to a core and a gigabyte."""
PROBLEMS = {
    "encrypted": "This PDF is protected with a password. Save it without one, or paste its text.",
    "empty": "There is no text in this PDF; it may be a scan. Paste the text instead.",
    "unreadable": "This file cannot be read as a PDF. Paste its text instead.",
    "slow": "Reading this PDF takes too long. Paste its text instead.",
}


@dataclass(frozen=True)
class Document:
    """What was read."""

    text: str
    pages: int
    truncated: bool
    """Whether pages or text were left out."""


def problem(message: str) -> FieldErrors:
    """A file that cannot be used, in words."""
    return FieldErrors(message, details=[{"field": "file", "message": message}])


async def read_pdf(data: bytes, readers: asyncio.Semaphore) -> Document:
    """The text of a PDF. Raises FieldErrors with a sentence for one that cannot be used."""
    if len(data) > MAX_PDF_BYTES:
        raise problem("A PDF may have 2 MB at most. Paste its text instead.")
    if b"%PDF-" not in data[:1024]:
        raise problem(PROBLEMS["unreadable"])
    async with readers:
        answer = await _read(data)
    if "problem" in answer:
        raise problem(PROBLEMS.get(str(answer["problem"]), PROBLEMS["unreadable"]))
    return Document(str(answer["text"]), int(answer["pages"]), bool(answer["truncated"]))


async def _read(data: bytes) -> dict[str, Any]:
    with as_file(files(__package__) / "pdf_reader.py") as script:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(script), str(MAX_DOCUMENT), str(MAX_PAGES),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                output, _ = await process.communicate(data)
        except TimeoutError:
            return {"problem": "slow"}
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    try:
        answer = json.loads(output)
    except ValueError:  # Killed by one of its limits.
        return {"problem": "unreadable"}
    return answer if isinstance(answer, dict) else {"problem": "unreadable"}
