"""The letter that says a report is ready: its numbers and a link, the report itself as a PDF only where that was asked for (R-130).

Numbers come from the same context as the page. No word of the candidate's is in the letter: mail is read in other people's sight.
Read next: `bridge.usecases.report_mail` (when it is sent), `reports`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from loguru import logger

from bridge.domain.mail import Attachment, Letter
from bridge.domain.session import SessionStatus
from bridge.domain.sharing import ReportMail
from bridge.errors import AtCapacity, NotInstalled
from reporting.render import report_context

from . import kept_pdfs, reports
from .keys import STORE
from .mailing import address
from .templating import template

SUBJECT = "Your interview report is ready"


async def compose(app: web.Application, mail: ReportMail) -> Letter | None:
    """The letter for a wish; None when the interview is deleted or has no report."""
    async with app[STORE].read() as tx:
        session = await tx.session(mail.session_id)
        if session is None or session.status is SessionStatus.DELETED:
            return None
        stored = await tx.report(session.id)
        if stored is None:
            return None
        body = await reports.placed(app, tx, session, stored)
    attachments = (
        await _attached(app, session.id, body, f"interview-report-{session.created_at:%Y-%m-%d}.pdf") if mail.attach_pdf else ()
    )
    context = report_context(body) | {
        "link": address(app, f"/interviews/{session.id}/report"),
        "attached": bool(attachments),
        "wanted": mail.attach_pdf,
    }
    return Letter(
        # A wish of its own makes a letter of its own; a repeat of the same is the same.
        id=f"report-ready.{session.id}.{mail.requested_at:%Y%m%d%H%M%S%f}",
        to=mail.address,
        subject=SUBJECT,
        text=template("report_letter.txt").render(**context),
        html=template("report_letter.html").render(**context),
        attachments=attachments,
    )


async def _attached(app: web.Application, session_id: str, body: dict[str, Any], name: str) -> tuple[Attachment, ...]:
    """The PDF; without one the letter still goes, and says so."""
    try:
        return (Attachment(name, "application/pdf", await kept_pdfs.of(app, session_id, body)),)
    except (NotInstalled, AtCapacity) as error:
        logger.warning("A letter about a report goes without its PDF: {}", error.code)
        return ()
