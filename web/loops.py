"""The event loop a server runs on: uvloop where it is installed, which relays about a quarter more; asyncio's own on Windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def quickest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes the quickest loop there is; None for asyncio's own."""
    try:
        # Absent on Windows.
        from uvloop import new_event_loop  # noqa: PLC0415
    except ImportError:
        return None
    return new_event_loop


def run(main: Coroutine[Any, Any, T], *, quick: bool = True) -> T:
    """`asyncio.run` on the quickest loop, or on asyncio's own."""
    with asyncio.Runner(loop_factory=quickest() if quick else None) as runner:
        return runner.run(main)
