"""Waits for a database that is away for a moment: one that restarts ends no call (F10, F11).

Only what may be done twice is done patiently. Read next: `call_log`, which looks first whether the lost attempt was stored after all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..ports import Store

T = TypeVar("T")
AWAY_SECONDS = 30.0
"""A call waits this long for its database; then it is interrupted and can be resumed."""
AGAIN_SECONDS = 0.25


async def patiently(store: Store, act: Callable[[], Awaitable[T]], *, seconds: float = AWAY_SECONDS) -> T:
    """The act's result, tried again while the database is away. Raises what it raised once the time is up, anything else at once."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            return await act()
        except Exception as error:  # what it is, only the store can tell
            if not store.is_away(error) or time.monotonic() >= give_up:
                raise
        await asyncio.sleep(AGAIN_SECONDS)
