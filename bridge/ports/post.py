"""What servers on one database say to each other: one asks, the one that holds a call answers (jobs-and-scale §8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Body = dict[str, Any]
Answerer = Callable[[str, Body], Awaitable[Body]]
"""Takes a session id and a body; its answer goes back."""


class Post(Protocol):
    """Messages between the processes on one database; a single process has nobody to write to."""

    def answer(self, kind: str, answerer: Answerer) -> None:
        """Answer questions of this kind."""

    async def ask(self, node: str, kind: str, session_id: str, body: Body, *, seconds: float) -> Body | None:
        """The other process's answer, or None when none came in time."""

    async def start(self) -> None:
        """Begin to listen."""

    async def stop(self) -> None:
        """Stop listening."""
