"""A clock of its own for a test: where everybody would wait, time is moved on instead, so that hours take seconds and counts are the same on any machine.

Only for what waits for nothing outside its loop: no thread, no process, no network.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class Skipping(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Where a loop would wait, the time is moved on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """What is there already; never waits."""
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits for everybody"
            self.now += timeout
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop that skips waiting."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds since it was made."""
        return self._skipping.now


def played(work: Coroutine[Any, Any, None]) -> None:
    """Run something on such a loop to its end."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)
