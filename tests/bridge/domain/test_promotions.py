"""Codes, and what a voucher is good for (R-109, R-110)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.promotions import CODE_LETTERS, LETTERS, Voucher, VoucherState, make_code, normal_code

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
VOUCHER = Voucher("v", 5_000, "INR", 2, NOW, NOW + timedelta(days=90), "Acme")


def test_a_code_is_read_however_it_is_typed() -> None:
    """R-110: small letters, spaces, and the letters people mix up with digits; a thousand codes are a thousand."""
    codes = {make_code() for _ in range(1_000)}
    assert 1_000 == len(codes)
    for code in codes:
        plain = normal_code(code)
        assert (CODE_LETTERS, set()) == (len(plain), set(plain) - set(LETTERS))
        typed = code.lower().replace("-", " ").replace("1", "l").replace("0", "o")
        assert plain == normal_code(f" {typed} ")


@pytest.mark.parametrize(
    ("used", "after", "state"),
    [
        (0, timedelta(0), VoucherState.OPEN),
        (1, timedelta(days=89), VoucherState.OPEN),
        (2, timedelta(0), VoucherState.USED_UP),
        (0, timedelta(days=90), VoucherState.OVER),
        (2, timedelta(days=91), VoucherState.OVER),
    ],
)
def test_what_it_is_good_for(used: int, after: timedelta, state: VoucherState) -> None:
    """R-110: uses and end."""
    assert state is VOUCHER.state(used, NOW + after)


def test_without_an_end_it_does_not_end() -> None:
    """R-110: the end may be left out."""
    assert VoucherState.OPEN is replace(VOUCHER, expires_at=None).state(1, NOW + timedelta(days=10_000))
