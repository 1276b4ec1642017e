"""Small blocking work of all calls, several pieces in one visit to a thread: what every call writes on its recording each second.

Each visit by itself costs the event loop and the thread as much as the work. Read next: `recorder`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

from loguru import logger

ROUND_SECONDS = 0.05
"""What comes in so long is one visit: the thread is woken twenty times a second at most, however many calls are live."""

Work = Callable[[], bytes]


class Rounds:
    """One serves a whole process."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Work, asyncio.Future[bytes]]] = []
        self._visits: asyncio.Task[None] | None = None
        # One thread: of two parts of one recording the second never begins before the first has ended, whoever is cancelled meanwhile.
        self._thread = ThreadPoolExecutor(1, "recordings")

    async def run(self, work: Work) -> bytes:
        """What `work` returns, or raises, on the thread; in the order in which they came. It is done also when whoever waits for it is cancelled."""
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._visits is None:
            # In a context of its own: it outlives the call that began it, and what it logs is of no one call.
            self._visits = asyncio.create_task(self._visit(), context=Context())
        return await done

    async def _visit(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(ROUND_SECONDS)
                waiting, self._waiting = self._waiting, []
                await self._do(waiting)
        finally:
            self._visits = None
            # Nobody is left but where the loop ends.
            _give_up(self._waiting)

    async def _do(self, waiting: list[tuple[Work, asyncio.Future[bytes]]]) -> None:
        outcomes: Sequence[bytes | Exception]
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, _run_all, [work for work, _ in waiting])
        except asyncio.CancelledError:
            _give_up(waiting)
            raise
        except Exception as error:  # noqa: BLE001 - there is no thread to be had: all who wait are told
            outcomes = [error] * len(waiting)
        for (_, done), outcome in zip(waiting, outcomes, strict=True):
            if done.done():
                if isinstance(outcome, Exception):
                    logger.error("A part of a recording whose call has ended was not written: {}", type(outcome).__name__)
            elif isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


def _give_up(waiting: list[tuple[Work, asyncio.Future[bytes]]]) -> None:
    for _, done in waiting:
        done.cancel()
    waiting.clear()


def _run_all(work: Sequence[Work]) -> list[bytes | Exception]:
    outcomes: list[bytes | Exception] = []
    for each in work:
        try:
            outcomes.append(each())
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for this one
            outcomes.append(error)
    return outcomes
