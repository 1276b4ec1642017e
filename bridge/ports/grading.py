"""A transaction's part about reports in the making: gradings that were paid for, and how far the report is."""

from __future__ import annotations

from typing import Any, Protocol

from .rows import StoredGrade


class GradingTx(Protocol):
    """Gradings and progress; both go with the interview's words."""

    async def add_grade(self, session_id: str, grade: StoredGrade) -> None:
        """Keep an answer of the model's; nothing happens when there is one of this key and run. Raises NotFound."""

    async def grades(self, session_id: str) -> list[StoredGrade]:
        """All that are kept."""

    async def set_progress(self, session_id: str, progress: dict[str, Any]) -> None:
        """Say how far the report is: `{step, text, done, of, strengths}`. Raises NotFound for an unknown session."""

    async def progress(self, session_id: str) -> dict[str, Any] | None:
        """What was said last; None while no report is being made."""

    async def drop_progress(self, session_id: str) -> None:
        """The report is made, or given up."""
