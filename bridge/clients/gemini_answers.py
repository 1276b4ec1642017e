"""What Gemini's answers mean: an error as one of our troubles, a response as text with what it cost. Pure reading, no I/O.

Sources: ai.google.dev "Troubleshooting" and google.rpc; a wrong key comes as 400 with reason API_KEY_INVALID. Read next: `gemini`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ModelUnavailable, Trouble

WORDS = {
    Trouble.QUOTA: "Gemini's quota for this key is used up for now.",
    Trouble.OVERLOADED: "Gemini is overloaded.",
    Trouble.UNREACHABLE: "Gemini cannot be reached.",
    Trouble.TIMEOUT: "Gemini did not answer in time.",
    Trouble.REFUSED_SAFETY: "Gemini's filters refused this.",
    Trouble.BAD_ANSWER: "Gemini's answer could not be used.",
    Trouble.UNAUTHORISED: "Gemini does not accept this server's key.",
    Trouble.UNKNOWN_MODEL: "Gemini does not know the model that is set.",
    Trouble.REJECTED: "Gemini does not take the request.",
    Trouble.CIRCUIT_OPEN: "Gemini has just failed several times and is left alone for a moment.",
}
DAY_SECONDS = 3600.0
"""How long a quota of the day is taken for gone before it is tried again."""
STOPPED_BY_FILTERS = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"})
MAX_HINT = 300
_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s?")


@dataclass(frozen=True)
class Answer:
    """What one response says. `problem` is empty when `text` is whole."""

    text: str = ""
    problem: str = ""
    """In words for the model, which may then do better."""
    refused: bool = False
    """The vendor's filters stopped it."""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_thought: int = 0


def unavailable(trouble: Trouble, *, retry_after: float | None = None, hint: str = "") -> ModelUnavailable:
    """The error for a trouble; `hint` is the vendor's own sentence, for the operator only."""
    return ModelUnavailable(
        WORDS[trouble], reason=trouble, retry_after_seconds=retry_after, vendor_says=" ".join(hint.split())[:MAX_HINT]
    )


def refusal(status: int, body: Any, headers: Mapping[str, str]) -> ModelUnavailable:
    """An HTTP error. `body` is whatever came, trusted in nothing."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or "")
    details = [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]
    wait = _retry_after(details, headers)
    trouble = _trouble(status, str(error.get("status") or ""), message, details)
    if trouble is Trouble.QUOTA and _daily(details):
        wait = DAY_SECONDS
    return unavailable(trouble, retry_after=wait, hint=message)


def _trouble(status: int, word: str, message: str, details: list[dict[str, Any]]) -> Trouble:
    reasons = {str(detail.get("reason")) for detail in details}
    if status in (401, 403) or "API_KEY_INVALID" in reasons or "API key" in message or word == "FAILED_PRECONDITION":
        return Trouble.UNAUTHORISED
    if status == 404:
        return Trouble.UNKNOWN_MODEL
    if status == 429:
        return Trouble.QUOTA
    if status >= 500 or status in (408, 499):
        return Trouble.OVERLOADED
    return Trouble.REJECTED


def _retry_after(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    """Seconds the vendor asks us to wait: the header, else google.rpc.RetryInfo. A date in the header is not used by Google."""
    for said in (headers.get("Retry-After"), *(detail.get("retryDelay") for detail in details)):
        if isinstance(said, str) and (match := _DELAY.fullmatch(said.strip())):
            return float(match.group(1))
    return None


def _daily(details: list[dict[str, Any]]) -> bool:
    violations = [violation for detail in details for violation in _list(detail.get("violations")) if isinstance(violation, dict)]
    return any("PerDay" in str(violation.get("quotaId")) for violation in violations)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read(response: Any) -> Answer:
    """A `GenerateContentResponse` of the SDK."""
    usage = response.usage_metadata
    spent = Answer(
        tokens_in=(usage and usage.prompt_token_count) or 0,
        tokens_out=(usage and usage.candidates_token_count) or 0,
        tokens_thought=(usage and usage.thoughts_token_count) or 0,
    )
    if response.prompt_feedback is not None and response.prompt_feedback.block_reason:
        return replace(spent, refused=True)
    if not response.candidates:
        return replace(spent, problem="There was no answer.")
    candidate = response.candidates[0]
    parts = (candidate.content and candidate.content.parts) or ()
    text = "".join(part.text for part in parts if part.text and not part.thought)
    finish = getattr(candidate.finish_reason, "value", "STOP")
    if finish in STOPPED_BY_FILTERS:
        return replace(spent, refused=True)
    if finish == "MAX_TOKENS":
        return replace(spent, text=text, problem="The answer was cut off because it was too long. Answer more briefly.")
    return replace(spent, text=text, problem="" if text.strip() else "The answer was empty.")
