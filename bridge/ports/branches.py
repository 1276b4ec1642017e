"""A transaction's part about questions answered again."""

from __future__ import annotations

from typing import Protocol

from ..domain.branch import Attempt, Branch


class BranchTx(Protocol):
    """Repeats; a link goes with its interview."""

    async def add_branch(self, branch: Branch) -> None:
        """Keep the link. Raises NotFound for an unknown session, Conflict when the session has one."""

    async def branch(self, session_id: str) -> Branch | None:
        """What the interview repeats, if it does."""

    async def attempts(self, origin_id: str) -> list[Attempt]:
        """Repeats of an interview's questions that were held and not deleted, oldest first."""
