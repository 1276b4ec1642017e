"""Vouchers of partner companies and credit for whoever brings somebody: codes, and what they are worth (R-109, R-110). Rules without I/O.

A code is 60 random bits in letters nobody mixes up; a voucher's is kept as a hash. What either gives is a line of the money ledger, unique by
voucher and person, or by the person who was brought. Read next: `bridge.usecases.vouchers`, `bridge.usecases.referrals`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""
CODE_LETTERS = 12
GROUP = 4
NEW_FOR = timedelta(days=30)
"""How long after it was made an account may still say who brought it."""


def make_code() -> str:
    """A new code: `7KQ2-M9XD-0RTB`."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))
    return "-".join(letters[at : at + GROUP] for at in range(0, CODE_LETTERS, GROUP))


def normal_code(text: str) -> str:
    """One spelling of a code as people type it: without dashes and spaces, I and L as 1, O as 0."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    return letters.translate(str.maketrans("ILO", "110"))


class VoucherState(StrEnum):
    """What can be done with it."""

    OPEN = "open"
    USED_UP = "used up"
    OVER = "over"


@dataclass(frozen=True)
class Voucher:
    """A code that gives credit: `uses` people may use it, each once."""

    id: str
    amount: int
    currency: str
    uses: int
    created_at: datetime
    expires_at: datetime | None = None
    note: str = ""
    """Whose it is: a partner's name."""

    def state(self, used: int, now: datetime) -> VoucherState:
        """After so many uses."""
        if self.expires_at is not None and now >= self.expires_at:
            return VoucherState.OVER
        return VoucherState.OPEN if used < self.uses else VoucherState.USED_UP


@dataclass(frozen=True)
class VoucherUse:
    """How a voucher has been used."""

    voucher: Voucher
    used: int
    interviews: int
    """Held since by those who used it, whatever paid for them."""


@dataclass(frozen=True)
class Referral:
    """Who brought whom."""

    referee_id: str
    referrer_id: str
    at: datetime
