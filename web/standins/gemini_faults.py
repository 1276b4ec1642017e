"""Faults on command: which kinds there are, when one strikes, and how it spoils an answer.

A fault waits until a call matches it: by purpose, by words of the prompt, by model; then strikes `count` times, each time with `probability` (drawn
from a seeded generator, so a run can be repeated). Read next: `gemini` (REST), `gemini_live`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .gemini_answers import Answer, Request
from .gemini_errors import GoogleError, out_of_quota

HUGE_BYTES = 1_000_000


class Kind(StrEnum):
    """What goes wrong. Those of a Live session begin with `live-`."""

    QUOTA = "429"
    INTERNAL = "500"
    UNAVAILABLE = "503"
    HANG = "hang"
    """`seconds` of nothing, then the answer."""
    RESET = "reset"
    """The TCP connection is reset in the middle of the answer."""
    DISCONNECT = "disconnect"
    """The connection is reset before a byte of the answer. The SDK then tries once more by itself, after 1 to 10 s, unless it was given retry options."""
    CUT = "cut"
    """Half the text, finish reason MAX_TOKENS."""
    MAX_TOKENS = "max-tokens"
    """No text at all: thinking ate the limit."""
    WRONG_SCHEMA = "wrong-schema"
    """Valid JSON of another shape."""
    NOT_JSON = "not-json"
    """Prose in a fence, although JSON was asked for."""
    BLOCKED = "blocked"
    """No candidates, promptFeedback.blockReason."""
    EMPTY = "empty"
    """No candidates and no reason."""
    SAFETY = "safety"
    RECITATION = "recitation"
    HUGE = "huge"
    """About a megabyte of text."""
    SLOW = "slow"
    """A stream that stalls `seconds` after its first chunk; otherwise like `hang`."""
    LIVE_REFUSE = "live-refuse"
    """403 instead of a websocket."""
    LIVE_CLOSE = "live-close"
    """Closed with `code` after `seconds`; at once with 0."""
    LIVE_DROP = "live-drop"
    """The TCP connection is lost after `seconds`."""
    LIVE_SILENT = "live-silent"
    """Set up, then never a word."""
    LIVE_NO_SETUP = "live-no-setup"
    """setupComplete never comes."""
    LIVE_GO_AWAY = "live-go-away"
    """goAway after `seconds`, and the end `time_left` seconds later."""
    LIVE_MALFORMED = "live-malformed"
    """A frame that is no JSON, after `seconds`."""
    LIVE_NO_RESUME = "live-no-resume"
    """A handle is refused."""

    @property
    def live(self) -> bool:
        """Whether it strikes Live sessions."""
        return self.value.startswith("live-")


class Fault(BaseModel):
    """One fault waiting to strike."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    purpose: str | None = None
    contains: str | None = None
    """Words of the prompt or system instruction."""
    model: str | None = None
    count: int | None = Field(default=1, ge=1)
    """How often it strikes; None for ever."""
    probability: float = Field(default=1.0, ge=0, le=1)
    seconds: float = Field(default=0.0, ge=0)
    retry_after: float | None = None
    """429: the header, in seconds; None for none."""
    retry_info: bool = True
    """429: the RetryInfo detail."""
    daily: bool = False
    """429: the day's quota, not the minute's."""
    code: int = 1008
    """live-close: the close code."""
    time_left: float = 1.0
    struck: int = 0

    def matches(self, *, live: bool, purpose: str, text: str, model: str) -> bool:
        """Whether a call is one it waits for."""
        return (
            self.kind.live == live
            and (self.count is None or self.struck < self.count)
            and self.purpose in (None, purpose)
            and self.model in (None, model)
            and (self.contains is None or self.contains in text)
        )


class Faults:
    """The faults of one stand-in, struck in the order they were added."""

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._faults = list(faults)
        self._random = random.Random(seed)  # noqa: S311 - which call fails, not a secret

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, kind: Kind | str, **fields: Any) -> Fault:
        """One more; fields are those of Fault."""
        fault = Fault(kind=Kind(kind), **fields)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """No more faults."""
        self._faults.clear()

    def strike(
        self, *, live: bool, purpose: str = "", text: str = "", model: str = "", kinds: Collection[Kind] = frozenset(Kind)
    ) -> Fault | None:
        """The fault of one of these kinds that strikes this call, if one does."""
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(live=live, purpose=purpose, text=text, model=model):
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                fault.struck += 1
                return fault
        return None


def refusal(fault: Fault, model: str) -> GoogleError | None:
    """The error a fault is, if it is one."""
    match fault.kind:
        case Kind.QUOTA:
            seconds = fault.retry_after if fault.retry_after is not None else fault.seconds or 30.0
            return out_of_quota(
                model, seconds=seconds, retry_after=fault.retry_after, retry_info=fault.retry_info, daily=fault.daily
            )
        case Kind.INTERNAL:
            return GoogleError(
                500, "An internal error has occurred. Please retry or report in https://developers.generativeai.google"
            )
        case Kind.UNAVAILABLE:
            return GoogleError(503, "This model is currently experiencing high demand. Please try again later.")
        case _:
            return None


_FINISHES = {Kind.SAFETY: "SAFETY", Kind.RECITATION: "RECITATION"}


def spoil(fault: Fault, request: Request, answer: Answer) -> Answer:
    """The answer as the fault leaves it."""
    match fault.kind:
        case Kind.CUT:
            return answer.with_text(answer.text[: len(answer.text) // 2], "MAX_TOKENS")
        case Kind.MAX_TOKENS:
            limit = request.config.get("maxOutputTokens", request.model.output_limit)
            return replace(answer, parts=(), finish="MAX_TOKENS", thought_tokens=limit)
        case Kind.WRONG_SCHEMA:
            return answer.with_text(json.dumps({"unexpected": {"shape": [1, 2, 3]}, "note": "valid JSON of another shape"}))
        case Kind.NOT_JSON:
            return answer.with_text(
                "Certainly! Here is what you asked for:\n```json\n{ … }\n```\nLet me know if I can help further."
            )
        case Kind.BLOCKED:
            return Answer(blocked="PROHIBITED_CONTENT", thought_tokens=0)
        case Kind.EMPTY:
            return Answer(nothing=True, thought_tokens=0)
        case Kind.SAFETY | Kind.RECITATION as kind:
            return Answer(finish=_FINISHES[kind])
        case Kind.HUGE:
            return replace(answer.with_text(_huge(answer.text)), thought_tokens=0)
        case _:
            return answer


def _huge(text: str) -> str:
    """The same JSON with its first string blown up, or simply a long text."""
    filler = "lorem ipsum " * (HUGE_BYTES // 12)
    try:
        value = json.loads(text)
    except ValueError:
        return text + filler
    return json.dumps(_blow_up(value, filler)[0])


def _blow_up(value: Any, filler: str) -> tuple[Any, bool]:
    """(value, whether the filler has found its place)."""
    if isinstance(value, str):
        return value + filler, True
    items: Sequence[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        blown, done = _blow_up(item, filler)
        if done:
            value[key] = blown
            return value, True
    return value, False
