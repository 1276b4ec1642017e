"""Binary messages handed on inside aiohttp's read callback: no queue, no future, no turn of the loop for every 20 ms of audio (performance.md §2).

aiohttp has no public place for this. Its websockets put what they read into a queue; the one made here asks a taker first, and is aiohttp's own in all else. It
stands in aiohttp's two modules from `install` on, and without a taker nothing changes. Read next: `aiohttp_socket`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, client, web_ws
from aiohttp._websocket.reader import WebSocketDataQueue

BINARY = WSMsgType.BINARY
"""Up to Python 3.11 a member is looked up by a function in Python each time it is named."""
Take = Callable[[bytes], bool]
"""Takes a binary message at once; False leaves it, and all behind it, to whoever receives in turn. Must return in microseconds."""


class TakingQueue(WebSocketDataQueue):
    """A websocket's queue of messages read, with a taker of binary ones."""

    take: Take | None = None

    def feed_data(self, data: Any, size: int) -> None:
        """Called by aiohttp for every whole message. One that comes behind a message nobody has received yet waits too: order is kept."""
        if self.take is not None and data[0] is BINARY and not self._buffer and self.take(data[1]):
            return
        super().feed_data(data, size)


def install() -> None:
    """Have aiohttp make these queues for every websocket opened from now on. A repeat does nothing."""
    for module in (client, web_ws):
        module.WebSocketDataQueue = TakingQueue  # type: ignore[attr-defined]
