"""Settings of e-mail (contract §3): without `SMTP_URL` every e-mail feature is hidden and none fails."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import BaseModel, Field, model_validator

from ..domain.mail import checked_address
from ..errors import InvalidInput
from .fields import is_loopback, vendor

SCHEMES = ("smtp", "smtps")


class MailSettings(BaseModel):
    """Mixed into `Settings`."""

    smtp_url: str = vendor(
        "SMTP_URL",
        "",
        "Server that sends e-mail: `smtps://user:password@host` (TLS), `smtp://user:password@host:587` (STARTTLS, required unless the "
        "host is this machine), `smtp://host:25?tls=off` (a relay in your own network). Empty: no e-mail features.",
        secret=True,
    )
    mail_from: str = Field("", description="Sender of e-mail, as `Name <address>` or an address; needed with `SMTP_URL`.")

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if not self.smtp_url:
            return self
        try:
            parts = urlsplit(self.smtp_url)
            reachable = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            plain = _is_plain(parts)
        except ValueError:
            reachable = plain = False
        if not reachable:
            raise ValueError("SMTP_URL must look like smtps://user:password@host or smtp://host:587")
        if plain and parts.password and not is_loopback(parts.hostname or ""):
            raise ValueError("SMTP_URL must not send a password without TLS: leave tls=off out, or the password")
        try:
            checked_address(parseaddr(self.mail_from)[1])
        except InvalidInput:
            raise ValueError("PREPKIT_MAIL_FROM must be the sender's address when SMTP_URL is set") from None
        return self


def _is_plain(parts: SplitResult) -> bool:
    return parts.scheme == "smtp" and parse_qs(parts.query).get("tls") == ["off"]
