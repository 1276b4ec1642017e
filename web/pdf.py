"""A report as a PDF: drawn from the same context as the page, written by WeasyPrint in a process of its own with bounds (R-131, R-117).

WeasyPrint and Pango are optional. Without them this says what to install, and the page offers its print view. Read next: `pdf_writer`, and `kept_pdfs`, which keeps what was drawn.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from ctypes.util import find_library
from datetime import UTC, datetime
from functools import cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any

from aiohttp import web

from bridge.errors import AtCapacity, NotInstalled
from reporting.render import report_context
from reporting.text import day

from .pdf_writer import LENGTH_BYTES, MISSING
from .templating import template

SECONDS = 40.0
WRITERS: web.AppKey[asyncio.Semaphore] = web.AppKey("pdf_writers", asyncio.Semaphore)
MAX_WRITERS = 2
"""At once; each costs a core for some seconds."""
MAX_BYTES = 64 << 20
DOCUMENTS = 60
"""Made by one process before another takes its place, so that nothing it may leak adds up."""
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


def html_of(body: Mapping[str, Any], today: str = "") -> str:
    """What is drawn: the report, and of which day its comparison with others is where that is to be said."""
    return template("report_pdf.html").render(**report_context(body), compared_on=today)


async def of(body: Mapping[str, Any], writers: asyncio.Semaphore) -> bytes:
    """The PDF of a public report. Raises NotInstalled, or AtCapacity when it took too much time or memory."""
    async with Press(writers) as press:
        return await press.of(body)


class Press:
    """Makes PDFs of reports, one or many, any number asked for at once; writers that have made one are used again, since half of one's time is its start."""

    def __init__(self, writers: asyncio.Semaphore) -> None:
        self._writers = writers
        self._idle: list[_Writer] = []

    async def __aenter__(self) -> Press:
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._idle:
            await writer.close()

    async def of(self, body: Mapping[str, Any]) -> bytes:
        """The PDF of a public report. Raises NotInstalled, or AtCapacity when it took too much time or memory."""
        if not await asyncio.to_thread(available):
            raise NotInstalled(NOT_INSTALLED)
        html = await asyncio.to_thread(html_of, body, day(datetime.now(UTC).isoformat()))
        async with self._writers:
            writer = self._idle.pop() if self._idle else await _Writer.start()
            pdf = None
            try:
                pdf = await writer.write(html.encode())
            finally:
                if pdf is not None and writer.made < DOCUMENTS:
                    self._idle.append(writer)
                else:
                    await writer.close()
        if writer.code == MISSING:
            raise NotInstalled(NOT_INSTALLED)
        if pdf is None or not pdf.startswith(b"%PDF-"):
            raise AtCapacity(FAILED, retry_after_seconds=60)
        return pdf


class _Writer:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.made = 0

    @classmethod
    async def start(cls) -> _Writer:
        with as_file(files(__package__) / "pdf_writer.py") as script:
            return cls(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-I", str(script),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={},
                )
            )  # fmt: skip

    @property
    def code(self) -> int | None:
        """How it ended; None while it goes on."""
        return self._process.returncode

    async def write(self, html: bytes) -> bytes | None:
        """The PDF; None when it came to its end, or had to, instead."""
        source, target = self._process.stdin, self._process.stdout
        if source is None or target is None:
            return None
        try:
            async with asyncio.timeout(SECONDS):
                source.write(len(html).to_bytes(LENGTH_BYTES) + html)
                await source.drain()
                size = int.from_bytes(await target.readexactly(LENGTH_BYTES))
                if size > MAX_BYTES:
                    return None
                pdf = await target.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            # It has gone by itself: how tells why.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 1)
            return None
        except TimeoutError:
            return None
        self.made += 1
        return pdf

    async def close(self) -> None:
        """End it."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
