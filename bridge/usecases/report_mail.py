"""Tell somebody by e-mail that a report is ready: asked for, sent by a durable job, once (R-130).

One wish a session, one job a wish: the job's key holds the moment of the wish, so a newer report sends no second letter and a newer wish does.
A kill between the server's "taken" and our note of it has the job send again: with the same Message-ID, by which mail programs show it
once. The other order would lose letters. The address is never in a job or a log. Read next: `ports.mail`, `web.report_mail`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.mail import Letter, checked_address
from ..domain.session import ENDED, ReportStatus
from ..domain.sharing import ReportMail
from ..errors import Conflict, UpstreamFailed
from ..ports import Mailer, Store, Tx
from ..ports.mail import MAIL_REFUSED, MAIL_UNAVAILABLE
from .calling import owned

MAIL_JOB = "mail-report"
WAITS_SECONDS = (60, 300, 900, 3600, 3 * 3600, 12 * 3600)
"""Before the next try, while no mail server is to be had; then the wish is given up."""
Compose = Callable[[ReportMail], Awaitable[Letter | None]]
"""Writes the letter; None where the report is gone."""


async def ask(store: Store, user_id: str, session_id: str, address: str, *, attach_pdf: bool, now: datetime) -> ReportMail:
    """Keep the wish in place of an older one; sent at once where the report is there. Raises NotFound, InvalidInput, Conflict."""
    mail = ReportMail(session_id, checked_address(address), now, attach_pdf=attach_pdf)
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.status in ENDED and session.report_status is ReportStatus.NONE:
            raise Conflict("There is no report of this interview, because no question was answered.")
        mail = replace(mail, session_id=session.id)
        await tx.ask_mail(mail)
        if await tx.report(session.id) is not None:
            await _enqueue(tx, mail, tries=0)
    return mail


async def wish(store: Store, user_id: str, session_id: str) -> ReportMail | None:
    """The wish there is. Raises NotFound."""
    async with store.read() as tx:
        return await tx.mail((await owned(tx, user_id, session_id)).id)


async def forget(store: Store, user_id: str, session_id: str) -> None:
    """Send nothing; a letter that is under way may still arrive. Raises NotFound."""
    async with store.begin() as tx:
        await tx.drop_mail((await owned(tx, user_id, session_id)).id)


async def due(store: Store, session_id: str) -> None:
    """After a report was written: have the letter sent, if somebody waits for one. Safe to repeat."""
    async with store.begin() as tx:
        mail = await tx.mail(session_id)
        if mail is not None and mail.open and await tx.report(session_id) is not None:
            await _enqueue(tx, mail, tries=0)


async def deliver(
    store: Store, mailer: Mailer | None, compose: Compose, payload: dict[str, Any], now: Callable[[], datetime]
) -> None:
    """The job: send the letter unless it was sent, given up, taken back or asked for anew; without a server, try later."""
    async with store.read() as tx:
        mail = await tx.mail(payload["sessionId"])
    if mail is None or not mail.open or mail.requested_at.isoformat() != payload["requestedAt"]:
        return
    letter = await compose(mail)
    if letter is None:
        return
    reason = await _handed_over(mailer, letter)
    tries = int(payload["tries"])
    if reason is None:
        await _note(store, mail, lambda kept: replace(kept, sent_at=now()))
    elif reason == MAIL_REFUSED or tries >= len(WAITS_SECONDS):
        await _note(store, mail, lambda kept: replace(kept, failed_at=now()))
    else:
        async with store.begin() as tx:
            await _enqueue(tx, mail, tries=tries + 1)


async def _handed_over(mailer: Mailer | None, letter: Letter) -> str | None:
    """None when the server has the letter, else why not."""
    if mailer is None:
        # The setting was taken away after somebody asked.
        return MAIL_UNAVAILABLE
    try:
        await mailer.send(letter)
    except UpstreamFailed as error:
        return error.reason
    return None


async def _enqueue(tx: Tx, mail: ReportMail, *, tries: int) -> None:
    asked = mail.requested_at.isoformat()
    payload = {"sessionId": mail.session_id, "requestedAt": asked, "tries": tries}
    wait = WAITS_SECONDS[tries - 1] if tries else 0
    await tx.enqueue(MAIL_JOB, f"{mail.session_id}:{asked}:{tries}", payload, after_seconds=wait)


async def _note(store: Store, mail: ReportMail, change: Callable[[ReportMail], ReportMail]) -> None:
    """What became of the wish, unless there is another one by now."""
    async with store.begin() as tx:
        current = await tx.mail(mail.session_id, for_update=True)
        if current is not None and current.requested_at == mail.requested_at:
            await tx.ask_mail(change(current))
