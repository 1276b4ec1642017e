"""`/api/interviews/{id}/report/mail`: have a letter sent when the report is ready (R-130). Without `SMTP_URL` it says so, and no page offers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bridge.config import AuthMode
from bridge.domain.sharing import ReportMail
from bridge.errors import InvalidInput, NotInstalled
from bridge.usecases import report_mail

from .. import schemas
from ..auth import current, user_id
from ..keys import MAILER, SETTINGS, STORE
from .interviews import json_body, rfc3339

LETTERS = parse("20/hour")
"""Wishes that a person may have: nobody is to be flooded by somebody else's report."""
LIMITER: web.AppKey[MovingWindowRateLimiter] = web.AppKey("mail-limiter", MovingWindowRateLimiter)
NO_MAIL = "This server sends no e-mail: whoever runs it can set SMTP_URL."


def limiter() -> MovingWindowRateLimiter:
    """Counts wishes."""
    return MovingWindowRateLimiter(MemoryStorage())


def mail_json(mail: ReportMail | None) -> dict[str, Any] | None:
    """A wish as its owner sees it."""
    if mail is None:
        return None
    return {
        "address": mail.address,
        "attachPdf": mail.attach_pdf,
        "requestedAt": rfc3339(mail.requested_at),
        "sentAt": rfc3339(mail.sent_at),
        "failedAt": rfc3339(mail.failed_at),
    }


def _needs_mailer(request: web.Request) -> None:
    if request.app[MAILER] is None:
        raise NotInstalled(NO_MAIL)


async def ask(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/report/mail` → 202."""
    _needs_mailer(request)
    wish = schemas.validate(schemas.MailRequest, await json_body(request))
    own = current(request).account.email or ""
    address = wish.address or own
    if request.app[SETTINGS].auth_mode is not AuthMode.SINGLE and address.casefold() != own.casefold():
        raise InvalidInput("A report is only sent to your account's own address.")
    if not await request.app[LIMITER].hit(LETTERS, user_id(request)):
        raise web.HTTPTooManyRequests(headers={"Retry-After": "600"})
    where = request.match_info["session_id"]
    mail = await report_mail.ask(
        request.app[STORE], user_id(request), where, address, attach_pdf=wish.attach_pdf, now=datetime.now(UTC)
    )
    return web.json_response({"mail": mail_json(mail)}, status=202)


async def show(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/report/mail`."""
    _needs_mailer(request)
    found = await report_mail.wish(request.app[STORE], user_id(request), request.match_info["session_id"])
    return web.json_response({"mail": mail_json(found)})


async def forget(request: web.Request) -> web.Response:
    """`DELETE /api/interviews/{sessionId}/report/mail`."""
    await report_mail.forget(request.app[STORE], user_id(request), request.match_info["session_id"])
    return web.json_response({"forgotten": True})
