"""What a watched call tells its readers, and how it goes over a server-sent stream (M7).

A durable item has the `seq` of its place in the call's log, which is the stream's event id: a reader who comes back with the last one it
saw gets the next one, also from another process. A passing item (levels, words that may still change) has none and is never sent again.
Read next: `bridge.usecases.live_feed`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..domain.events import Event, OperatorActed, to_json

MISSED = "missed"
"""Passing items a reader was too slow for: {count}."""
CAUGHT_UP = "caught-up"
"""The history is over; what follows happens now."""
WEBHOOK = "webhook"
"""A provider told us something about the call: {id, provider, type, state}; a second one of an id says what became of it."""
END = "end"
"""The interview is over and nothing more will come."""
PASSING = {
    "partial": "words that may still change: {speaker, text}",
    "levels": "loudness of both sides, five of 200 ms, 0 to 1: {candidate: [], interviewer: []}",
    WEBHOOK: "a webhook about the call and what became of it: {id, provider, type, state}; the same id again when the state changes",
    MISSED: "passing items you were too slow for: {count}",
    CAUGHT_UP: "the history is over; what follows happens now",
    END: "the interview is over and nothing more will come",
}
"""The kinds without an id."""


@dataclass(frozen=True)
class LiveItem:
    """One thing to show; `seq` is None for what is not in the log."""

    kind: str
    at_ms: int
    data: dict[str, Any] = field(default_factory=dict)
    seq: int | None = None

    @cached_property
    def json(self) -> str:
        """`{seq, kind, atMs, data}`, encoded once however many read it."""
        shown = {"seq": self.seq, "kind": self.kind, "atMs": self.at_ms, "data": self.data}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def sse(self) -> bytes:
        """As a server-sent event. All are of the default type, so that a reader needs one listener."""
        number = f"id: {self.seq}\n" if self.seq is not None else ""
        # A lone surrogate cannot be sent; JSON on one line cannot break the frame.
        return f"{number}data: {self.json}\n\n".encode("utf-8", "replace")


def item_of(event: Event, seq: int) -> LiveItem:
    """An event of the log."""
    return LiveItem(event.kind, event.at_ms, to_json(event), seq)


def is_end(item: LiveItem) -> bool:
    """Whether an interview's log says with this that it is over."""
    return item.kind == "interview-ended"


def told_of(event: Event) -> str:
    """What the candidate is shown of an operator's act at that moment; empty for nothing."""
    return event.told if isinstance(event, OperatorActed) else ""
