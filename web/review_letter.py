"""The letter that says a person's review is there: one a review, where there is an address and a mail server (C-58).

No score and no word of the candidate's is in it. A failed try is the job's to repeat; the same letter has the same Message-ID. Read next: `report_letter`.
"""

from __future__ import annotations

from aiohttp import web

from bridge.domain.mail import Letter
from bridge.domain.session import SessionStatus

from .keys import MAILER, STORE
from .mailing import address

SUBJECT = "A person has reviewed your interview"
TEXT = """A person has reviewed your interview

Their scores and comments now stand beside the report's own. Read them here, signed in:
{url}

You get this letter because you asked for the review. There will be no other about it.
"""


async def send(app: web.Application, session_id: str) -> None:
    """The job. Nobody to write to, or an interview that is gone: nothing is sent. Raises UpstreamFailed while the mail server is away."""
    mailer = app[MAILER]
    async with app[STORE].read() as tx:
        session = await tx.session(session_id)
        account = await tx.account(session.user_id) if session and session.status is not SessionStatus.DELETED else None
    if mailer is None or account is None or not account.email or account.disabled_at is not None:
        return
    url = address(app, f"/interviews/{session_id}/report#review")
    await mailer.send(Letter(f"review-ready.{session_id}", account.email, SUBJECT, TEXT.format(url=url)))
