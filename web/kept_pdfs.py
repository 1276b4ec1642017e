"""PDFs of reports that were drawn are kept, sealed, and given again as long as they show what would be drawn now (R-117, R-131, P1, P4).

Drawing costs one to three seconds of a core, an archive has a hundred of them. What a PDF shows is known by a hash of the very HTML it is drawn from: another version of the
report, a review, another plan or another template make another one, and nothing has to be told. Only the comparison with other interviews is looked at apart:
it moves whenever anybody finishes one, so an archive takes the PDF with the comparison of the day that stands beside it, everybody else has it drawn anew.
A kill between drawing and keeping costs the drawing. Read next: `storage.pdfs`, `pdf`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aiohttp import web
from loguru import logger

from bridge.domain.session import SessionStatus
from bridge.errors import AtCapacity, CannotDecrypt, NotInstalled
from bridge.ports import KeptPdf
from storage.keys import SessionKeys
from storage.pdfs import key_owner
from storage.sealing import Seal

from . import pdf, reports
from .keys import KEYS, STORE

DRAW_JOB = "draw-report"
SOON_SECONDS = 60
"""Between a report and the drawing ahead: what a voice vendor says after a call makes another version within that time, and the page is read first."""


async def of(
    app: web.Application,
    session_id: str,
    body: Mapping[str, Any],
    *,
    press: pdf.Press | None = None,
    any_day: bool = False,
    keep: bool = True,
) -> bytes:
    """The PDF of a public report, kept or drawn now; `any_day` takes one whose comparison with others is of an earlier day.
    Without `keep` nothing is written: a GET changes no row (A3).

    Raises NotInstalled, or AtCapacity when drawing took too much time or memory.
    """
    async with app[STORE].read() as tx:
        kept = await tx.kept_pdf(session_id)
    if kept is not None and await asyncio.to_thread(_still_shows, kept, body, any_day=any_day):
        found = await asyncio.to_thread(_opened, app[KEYS], kept)
        if found is not None:
            return found
    made = await (press.of(body) if press else pdf.of(body, app[pdf.WRITERS]))
    if keep:
        content, whole = await asyncio.to_thread(lambda: (_content(body), _whole(body)))
        await _keep(app, session_id, content, whole, made)
    return made


def _still_shows(kept: KeptPdf, body: Mapping[str, Any], *, any_day: bool) -> bool:
    """Whether it shows what would be drawn now."""
    return kept.content == _content(body) if any_day else kept.whole == _whole(body)


def _content(body: Mapping[str, Any]) -> str:
    """SHA-256 of all its PDF shows but the comparison with others."""
    return _whole({**body, "comparisonToStandards": None})


def _whole(body: Mapping[str, Any]) -> str:
    """SHA-256 of all its PDF shows."""
    return hashlib.sha256(f"{_drawn_by()}\n{pdf.html_of(body)}".encode()).hexdigest()


async def draw_soon(app: web.Application, session_id: str) -> None:
    """Have the newest version of a report drawn ahead, in a job; once for each version."""
    if not await asyncio.to_thread(pdf.available):
        return
    async with app[STORE].begin() as tx:
        stored = await tx.report(session_id)
        if stored is not None:
            key = f"{session_id}:{stored.version}"
            await tx.enqueue(DRAW_JOB, key, {"sessionId": session_id}, after_seconds=SOON_SECONDS)


async def draw(app: web.Application, session_id: str) -> None:
    """Draw a report ahead, unless it is kept. One that cannot be drawn now is when it is asked for."""
    async with app[STORE].read() as tx:
        session, stored = await tx.session(session_id), await tx.report(session_id)
        if session is None or session.status is SessionStatus.DELETED or stored is None:
            return
        body = await reports.placed(app, tx, session, stored)
    try:
        await of(app, session_id, body, any_day=True)
    except (NotInstalled, AtCapacity) as error:
        logger.warning("A report is not drawn ahead: {}", error.code)


async def _keep(app: web.Application, session_id: str, content: str, whole: str, made: bytes) -> None:
    try:
        key = await asyncio.to_thread(app[KEYS].make, key_owner(session_id))
    except CannotDecrypt as error:
        logger.error("A report's PDF is not kept: {}", error.message)
        return
    sealed = _seal(key, session_id, content, whole).seal(0, made)
    async with app[STORE].begin() as tx:
        kept = await tx.keep_pdf(KeptPdf(session_id, content, whole, datetime.now(UTC), sealed))
    if not kept:
        # Erased while it was drawn.
        await asyncio.to_thread(app[KEYS].destroy, key_owner(session_id))


def _opened(keys: SessionKeys, kept: KeptPdf) -> bytes | None:
    """None when it cannot be decrypted: it is only a copy, and drawn anew."""
    try:
        key = keys.get(key_owner(kept.session_id))
    except CannotDecrypt as error:
        logger.error("A kept PDF cannot be opened: {}", error.message)
        return None
    return _seal(key, kept.session_id, kept.content, kept.whole).unseal(0, kept.sealed) if key else None


def _seal(key: bytes, session_id: str, content: str, whole: str) -> Seal:
    return Seal(key, f"{session_id}/report.pdf/{content}/{whole}")


@cache
def _drawn_by() -> str:
    try:
        return f"WeasyPrint {version('weasyprint')}"
    except PackageNotFoundError:
        return "nothing"
