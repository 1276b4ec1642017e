"""How a leg ended, and whether the interview is over with it. Read next: `supervisor`, which acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from .operating import ENDED_BY_OPERATOR

FAILED_UPSTREAM = "failed_upstream"
CONSENT_WITHDRAWN = "consent_withdrawn"


@dataclass(frozen=True)
class Outcome:
    """How a leg ended: lost, replaced, drained, failed, or an interview's end (finished, time, ended_by_…, failed_upstream)."""

    reason: str
    elapsed_ms: int

    @property
    def over(self) -> bool:
        """Whether the interview itself is over."""
        return self.reason in ("finished", "time", "ended_by_candidate", ENDED_BY_OPERATOR, CONSENT_WITHDRAWN, FAILED_UPSTREAM)
