"""The heartbeat of a websocket that is read fifty times a second.

Whatever is read puts aiohttp's next ping off, and aiohttp sees to that in a turn of the event loop of its own after every read, on both sides of a call: three to
four hundredths of what a relayed call costs. Here it does so once a second, which is soon enough for heartbeats of three seconds and more. Read next: `vapi`, `web.sockets`.
"""

from __future__ import annotations

import time
from typing import Any

RESET_SECONDS = 1.0
"""Less than any heartbeat: a ping goes out so much sooner at most, and an answer is never missed."""


class SeldomReset:
    """Put before one of aiohttp's websocket classes."""

    _reset_at = 0.0

    def _on_data_received(self) -> None:
        """Called by aiohttp for every piece read."""
        now = time.monotonic()
        if now - self._reset_at >= RESET_SECONDS:
            self._reset_at = now
            aiohttps: Any = super()
            aiohttps._on_data_received()
