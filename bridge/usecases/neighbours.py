"""A call that another process holds, reached from here: its older tab lets go, its owner ends it, its vendor's tool call is answered, an operator acts in it.

Whoever has no answer in time goes on alone: the call is then taken over, and the database lets the silent process write no more (`storage.holders`).
Read next: `pipeline.supervisor`, which answers such questions.
"""

from __future__ import annotations

from typing import Any

from ..errors import Conflict, UpstreamFailed
from ..ports import Post, Store

THERE, LET_GO, END, TOOL, ACT = "there", "let-go", "end", "tool", "act"
THERE_SECONDS = 1.5
"""A process that was killed may count as living for half a minute: nobody waits longer for its sign of life."""
LET_GO_SECONDS = 9.0
"""A little more than a leg may take to store everything and end."""
TOOL_SECONDS = 3.0
ACT_SECONDS = 5.0
"""An act is answered once it is stored, which takes a few milliseconds."""
HOLDER_SILENT = (
    "The server that holds this call did not answer in time. The timeline shows whether it was done; if not, try again."
)
MAX_HINT = 1_000
"""Characters of what a model believes was said; the transcript is ours."""


class Neighbours:
    """The other processes on this database."""

    def __init__(self, store: Store, post: Post) -> None:
        self._store = store
        self.post = post

    async def let_go(self, session_id: str) -> None:
        """Have another process end its leg of the session because a newer tab has come here."""
        await self._ask(LET_GO, session_id, {})

    async def end(self, session_id: str, reason: str) -> None:
        """Have another process end its leg."""
        await self._ask(END, session_id, {"reason": reason})

    async def _ask(self, kind: str, session_id: str, body: dict[str, Any]) -> None:
        node = await self.holder(session_id)
        if node and await self.post.ask(node, THERE, session_id, {}, seconds=THERE_SECONDS) is not None:
            await self.post.ask(node, kind, session_id, body, seconds=LET_GO_SECONDS)

    async def holder(self, session_id: str) -> str | None:
        """Another living process that holds the session's call."""
        async with self._store.read() as tx:
            return await tx.held_elsewhere(session_id)

    async def tool(self, session_id: str, name: str, arguments: dict[str, Any], tool_call_id: str) -> dict[str, Any] | None:
        """The answer of the process that holds the call; None when no other does, or it is silent."""
        node = await self.holder(session_id)
        if node is None:
            return None
        known = {
            key: value[:MAX_HINT]
            for key, value in arguments.items()
            if key in ("currentQuestionId", "userResponse") and isinstance(value, str)
        }
        body = {"name": name, "arguments": known, "id": tool_call_id}
        return await self.post.ask(node, TOOL, session_id, body, seconds=TOOL_SECONDS)

    async def act(self, session_id: str, act: dict[str, Any]) -> int | None:
        """Have the process that holds the call do an operator's act: its place in the log, stored; None when no other process holds the call.

        Raises Conflict where the call cannot take it, UpstreamFailed when the holder is silent: whether it was done is then in the log.
        """
        node = await self.holder(session_id)
        if node is None:
            return None
        answer = await self.post.ask(node, ACT, session_id, act, seconds=ACT_SECONDS)
        if answer is None:
            raise UpstreamFailed(HOLDER_SILENT, reason="holder_silent")
        if "refused" in answer:
            raise Conflict(str(answer["refused"]))
        return int(answer["seq"]) if "seq" in answer else None
