"""Small blocking work of all calls, several pieces in one visit to a thread and one visit after the other: what every call writes on its recording each second.

Each visit by itself costs the event loop and the thread as much as the work. Read next: `recorder`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

ROUND_SECONDS = 0.05
"""What comes in so long is one visit: a thread is woken twenty times a second at most, however many calls are live."""

Work = Callable[[], bytes]


class Rounds:
    """One serves a whole process."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Work, asyncio.Future[bytes]]] = []
        self._visits: asyncio.Task[None] | None = None

    async def run(self, work: Work) -> bytes:
        """What `work` returns, or raises, on the thread; in the order in which they came. Of two for one recording the second never begins before the first has ended."""
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._visits is None:
            self._visits = asyncio.create_task(self._visit())
        return await done

    async def _visit(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(ROUND_SECONDS)
                waiting, self._waiting = self._waiting, []
                await self._do(waiting)
        finally:
            self._visits = None

    async def _do(self, waiting: Sequence[tuple[Work, asyncio.Future[bytes]]]) -> None:
        try:
            outcomes = await asyncio.to_thread(_run_all, [work for work, _ in waiting])
        except BaseException:  # the process ends: nobody may wait for ever
            for _, done in waiting:
                done.cancel()
            raise
        for (_, done), outcome in zip(waiting, outcomes, strict=True):
            if done.done():
                # Whoever waited was cancelled meanwhile; the work is done all the same.
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


def _run_all(work: Sequence[Work]) -> list[bytes | Exception]:
    outcomes: list[bytes | Exception] = []
    for each in work:
        try:
            outcomes.append(each())
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for this one
            outcomes.append(error)
    return outcomes
