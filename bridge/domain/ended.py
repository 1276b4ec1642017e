"""What a vendor's ended reason means for the interview: a table of prefixes, because there are hundreds of reasons and more to come (vapi-protocol §4.2)."""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """How a vendor's call ended."""

    COMPLETED = "completed"
    FAILED = "failed"


COMPLETED = (
    "customer-ended-call",
    "assistant-ended-call",
    "assistant-said-end-call-phrase",
    "exceeded-max-duration",
    "manually-canceled",
)
FAILED = (
    "assistant-request-",
    "assistant-not-",
    "assistant-join-timed-out",
    "call-start-",
    "call.start.",
    "pipeline-",
    "customer-did-not",
    "worker-shutdown",
    "phone-call-provider-closed-websocket",
    "call-deleted",
)
SILENCE = "silence-timed-out"


def judge(reason: str, *, spoke: bool) -> Ending:
    """Completed or failed; `spoke`: whether the candidate was heard. A reason nobody knows counts as completed only when they were."""
    word = reason.strip().lower()
    if "error" in word or word.startswith(FAILED):
        return Ending.FAILED
    if word.startswith(COMPLETED):
        return Ending.COMPLETED
    return Ending.COMPLETED if spoke else Ending.FAILED
