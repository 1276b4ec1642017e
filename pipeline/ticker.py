"""One clock for all relays: calls each whose time has come every 10 ms and never makes up for ticks that a busy loop missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from loguru import logger

PERIOD_SECONDS = 0.01

Tick = Callable[[float], float]
"""Called with the monotonic time; returns when it is to be called next, at the soonest. Must return in microseconds."""


class Ticker:
    """Runs on the event loop of whoever adds first, as long as anything is added; one instance serves a whole process."""

    def __init__(self, period: float = PERIOD_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._period = period
        self._monotonic = monotonic
        self._ticks: dict[Tick, float] = {}
        """When each is to be called: looked at for all calls a hundred times a second, when a tick itself would find its relay out of the processor's cache."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tick: Tick) -> None:
        """Call `tick` from now on, as it asks for; adding it twice is adding it once."""
        self._ticks[tick] = 0.0
        if self._timer is None:
            self._arm(asyncio.get_running_loop())

    def wake(self, tick: Tick) -> None:
        """Call it with the next period, whatever it asked for. Nothing happens to one that was removed."""
        if tick in self._ticks:
            self._ticks[tick] = 0.0

    def remove(self, tick: Tick) -> None:
        """Stop calling it; the timer stops with the last one."""
        self._ticks.pop(tick, None)
        if not self._ticks and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __len__(self) -> int:
        return len(self._ticks)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._period, self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        # The next one counts from now, so a stalled loop is followed by one tick and not by all it missed. One turn of the loop later, whoever reads
        # a socket has taken the messages that came in meanwhile, and nothing is filled in for them.
        self._arm(loop)
        loop.call_soon(self._call)

    def _call(self) -> None:
        now = self._monotonic()
        for tick, due in tuple(self._ticks.items()):
            if now < due:
                continue
            try:
                rests_until = tick(now)
            except Exception as error:  # noqa: BLE001 - one call's fault must not stop the audio of all others
                logger.error("A call was taken off the pace: {}", type(error).__name__)
                self.remove(tick)
            else:
                # It may have removed itself.
                if tick in self._ticks:
                    self._ticks[tick] = rests_until
