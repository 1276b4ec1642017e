"""E-mail as the product speaks of it: what an address may look like, and a letter that is the same at every attempt to send it.

Addresses are checked for what could harm (line breaks, several at once), not for existence: only a letter finds that out. Read next: `ports.mail`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InvalidInput

MAX_ADDRESS = 254
"""RFC 5321: the longest path."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""What a browser takes for `input type=email` (HTML standard)."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """One letter to one address. The same `id` gives the same Message-ID, so that a repeat is recognised by mail programs."""

    id: str
    """Letters, digits, dots and dashes; for example `report-ready.<session id>`."""
    to: str
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


def checked_address(text: str) -> str:
    """The address without surrounding space. Raises InvalidInput for what is not one plain address."""
    address = text.strip()
    if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        raise InvalidInput("This is not an e-mail address.")
    return address
