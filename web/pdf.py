"""A report as a PDF: drawn from the same context as the page, written by WeasyPrint in a process of its own with bounds (R-131, R-117).

WeasyPrint and Pango are optional. Without them this says what to install, and the page offers its print view. Read next: `pdf_writer`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from ctypes.util import find_library
from functools import cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any

from aiohttp import web

from bridge.errors import AtCapacity, NotInstalled
from reporting.render import report_context

from .pdf_writer import MISSING
from .templating import template

SECONDS = 40.0
WRITERS: web.AppKey[asyncio.Semaphore] = web.AppKey("pdf_writers", asyncio.Semaphore)
MAX_WRITERS = 2
"""At once; each costs a core for some seconds."""
LIBRARIES = ("pango-1.0", "pangoft2-1.0", "gobject-2.0", "fontconfig", "harfbuzz")
NOT_INSTALLED = (
    "PDF files need WeasyPrint, which is not installed on this server: pip install 'prepkit-voice-bridge[pdf]', and Pango "
    "(apt-get install libpango-1.0-0 libpangoft2-1.0-0). The report page can be printed to a PDF by the browser."
)
FAILED = "The PDF could not be made in time. Try again in a minute, or print the report page to a PDF."


@cache
def available() -> bool:
    """Whether everything a PDF needs seems to be on this machine; looked up once, without importing it."""
    return find_spec("weasyprint") is not None and all(find_library(name) for name in LIBRARIES)


async def of(body: Mapping[str, Any], writers: asyncio.Semaphore) -> bytes:
    """The PDF of a public report. Raises NotInstalled, or AtCapacity when it took too much time or memory."""
    if not await asyncio.to_thread(available):
        raise NotInstalled(NOT_INSTALLED)
    html = await asyncio.to_thread(lambda: template("report_pdf.html").render(**report_context(body)))
    async with writers:
        code, pdf = await _write(html.encode())
    if code == MISSING:
        raise NotInstalled(NOT_INSTALLED)
    if code != 0 or not pdf.startswith(b"%PDF-"):
        raise AtCapacity(FAILED, retry_after_seconds=60)
    return pdf


async def _write(html: bytes) -> tuple[int | None, bytes]:
    with as_file(files(__package__) / "pdf_writer.py") as script:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                pdf, _ = await process.communicate(html)
        except TimeoutError:
            return None, b""
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    return process.returncode, pdf
