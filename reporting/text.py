"""Numbers, times and changes written as people read them."""

from __future__ import annotations

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day(moment: str) -> str:
    """`3 December 2025` for an RFC 3339 time."""
    year, month, date = moment[:10].split("-")
    return f"{int(date)} {MONTHS[int(month) - 1]} {year}"


def signed(change: int) -> str:
    """`+4`, `−3`, `±0`, with a real minus."""
    return f"+{change}" if change > 0 else f"−{-change}" if change < 0 else "±0"
