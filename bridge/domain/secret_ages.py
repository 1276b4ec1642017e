"""Since when each secret has had its value: told by a mark, never by the value (R-120, C-52). Rules without I/O.

The mark is 32 bits of a slow hash: enough to see a change, too little to find the value or to try guesses against. A setting that holds several
keys while one is exchanged has an age for each. Read next: `bridge.config.secrets`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

MARK_BYTES = 4
COST = 2**14
"""Of scrypt: some 50 ms and 16 MB for one mark."""


@dataclass(frozen=True)
class Secret:
    """One secret as it is set now."""

    variable: str
    mark: str

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.variable}:{self.mark}"


@dataclass(frozen=True)
class SecretAge:
    """How long it has been so; None where no server has seen it yet."""

    variable: str
    mark: str
    since: datetime | None
    days: int | None

    def old(self, most: int) -> bool:
        """Whether it is to be exchanged: 0 days never is."""
        return bool(most) and self.days is not None and self.days >= most


def mark_of(variable: str, value: str) -> str:
    """Eight hexadecimal digits; the same value under another name has another mark. Slow on purpose."""
    return hashlib.scrypt(value.encode(), salt=f"prepkit-age:{variable}".encode(), n=COST, r=8, p=1, dklen=MARK_BYTES).hex()


def marked(values: Iterable[tuple[str, str]]) -> tuple[Secret, ...]:
    """Of each (variable, value), once."""
    return tuple(dict.fromkeys(Secret(variable, mark_of(variable, value)) for variable, value in values))


def ages(secrets: Sequence[Secret], since: dict[str, datetime], now: datetime) -> list[SecretAge]:
    """Oldest first; `since` by name. A clock that was put back makes nothing younger than new."""
    found = [
        SecretAge(secret.variable, secret.mark, first, max(0, (now - first).days) if first else None)
        for secret in secrets
        for first in (since.get(secret.name),)
    ]
    return sorted(found, key=lambda age: (-(age.days if age.days is not None else -1), age.variable, age.mark))
