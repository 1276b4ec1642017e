"""The mailer behind its port, as the settings have it, and where a link in a letter leads. Read next: `bridge.clients.mail`."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from bridge.clients.mail import SmtpMailer
from bridge.config import Settings, is_loopback
from bridge.ports import Mailer

from .keys import SETTINGS


def of(settings: Settings) -> Mailer | None:
    """The mailer; None without `SMTP_URL`, and then nothing about e-mail is shown."""
    if not settings.smtp_url:
        return None
    here = is_loopback(urlsplit(settings.smtp_url).hostname or "")
    return SmtpMailer(settings.smtp_url, settings.mail_from, here=here)


def address(app: web.Application, path: str) -> str:
    """A path of ours as people open it: from the settings alone, never from what a request calls us."""
    settings = app[SETTINGS]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return (settings.public_url.rstrip("/") or f"http://{host}:{settings.port}") + path
