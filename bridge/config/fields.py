"""How a setting is declared: vendors' own variable names, values that may be left empty, and which hosts stay on this machine."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field


def vendor(env: str, default: str, description: str, *, secret: bool = False, pattern: str | None = None) -> Any:
    """A field whose variable has the vendor's name and no prefix."""
    return Field(default, description=description, pattern=pattern, repr=not secret, json_schema_extra={"env": env})


def unset(value: Any) -> Any:
    """None for an empty value."""
    return None if value == "" else value


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def https_or_loopback(url: str) -> bool:
    """Whether a vendor may be reached there: https, or plain http on this machine (a stand-in)."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")))
