"""Which settings are secrets, and their values one by one, for their ages alone (C-52). Read next: `bridge.domain.secret_ages`."""

from __future__ import annotations

from urllib.parse import urlsplit

from . import Settings, variable_of

ADDRESSES = frozenset({"database_url", "smtp_url"})
"""Secret only for the password in them."""
WHOLE = frozenset({"otel_headers"})
"""Commas in it separate no keys."""


def configured(settings: Settings) -> list[tuple[str, str]]:
    """(variable, value) of each secret that is set; several keys in one setting are several."""
    found = []
    for name, field in Settings.model_fields.items():
        if field.repr:
            continue
        value = str(getattr(settings, name) or "")
        whole = name in ADDRESSES or name in WHOLE
        value = (urlsplit(value).password or "") if name in ADDRESSES else value
        found += [(variable_of(name), part.strip()) for part in ([value] if whole else value.split(",")) if part.strip()]
    return found
