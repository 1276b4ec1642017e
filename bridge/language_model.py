"""The port of a language model: what is asked, what comes back, what it cost, and how long each purpose may take (C-28, C-47).

Implemented by `clients.gemini`; another provider is one more file there. Read next: `prompts`, `usecases.write_questions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from .errors import Trouble

M = TypeVar("M", bound=BaseModel)


class Purpose(StrEnum):
    """What a language model is asked for; each has its own model, settings and budget (C-47)."""

    QUESTIONS = "questions"
    LIVE = "live"
    REPORT = "report"


BUDGET_SECONDS = {Purpose.QUESTIONS: 15.0, Purpose.LIVE: 2.5, Purpose.REPORT: 30.0}
"""How long one `ask` may take, repairs and retries included (C-47)."""


@dataclass(frozen=True)
class ModelRequest(Generic[M]):
    """One request. What a candidate or a vendor wrote stands in `user` only, inside blocks made by `prompts.data_block`."""

    purpose: Purpose
    prompt: str
    """Name and version of the prompt, for the log: `questions.1`."""
    system: str
    user: str
    schema: type[M]
    """The shape of the answer; what comes back is valid by it."""
    session_id: str | None = None
    """The interview it is done for and booked on."""
    deadline_seconds: float | None = None
    """Less than the purpose's budget, where less time is left."""


@dataclass(frozen=True)
class ModelUsage:
    """What a request cost, all its attempts together."""

    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_thought: int = 0
    """Billed as output, beside `tokens_out`."""
    ms: int = 0
    attempts: int = 0


@dataclass(frozen=True)
class ModelReply(Generic[M]):
    """A valid answer."""

    value: M
    usage: ModelUsage


@dataclass(frozen=True)
class ModelCall:
    """One request as the ledger hears of it, answered or not."""

    id: str
    purpose: Purpose
    prompt: str
    session_id: str | None
    outcome: str
    """`ok`, a `Trouble`, or `cancelled`."""
    usage: ModelUsage
    at: datetime


class LanguageModel(Protocol):
    """A model that writes structured answers."""

    async def ask(self, request: ModelRequest[M]) -> ModelReply[M]:
        """A valid answer within the budget. Raises ModelUnavailable; may be cancelled at any time."""


class ServedModel(LanguageModel, Protocol):
    """The model of a server, which is asked how it does."""

    def troubled(self) -> Mapping[Purpose, Trouble]:
        """What it has lately failed at and not done since, and why: several times, or once in a way that asking again does not mend."""
