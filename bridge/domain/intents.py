"""What a candidate asks of the interviewer in passing: repeat, next, done, "let me think", "I don't know".

Only short utterances count: an answer that happens to contain the words is an answer. A table, so that a phrase is one line.
"""

from __future__ import annotations

import re
from enum import StrEnum

MAX_WORDS = 12
"""Longer than this is an answer, whatever it contains."""


class Intent(StrEnum):
    """A request to the interviewer."""

    REPEAT = "repeat"
    NEXT = "next"
    DONE = "done"
    THINKING = "thinking"
    UNKNOWN = "unknown"
    """The candidate says they do not know."""


PHRASES: tuple[tuple[Intent, str], ...] = (
    (Intent.REPEAT, r"(repeat|say) (that|it|the question|this)( again)?"),
    (Intent.REPEAT, r"(can|could|would) you (please )?(repeat|rephrase)"),
    (Intent.REPEAT, r"^(sorry|pardon)( what| me)?$"),
    (Intent.REPEAT, r"what was the question"),
    (Intent.NEXT, r"(next question|move on|skip (this|that|it|the question)|go to the next)"),
    (Intent.DONE, r"(that's|that is|that was|this is) (all|it|my answer|everything)"),
    (Intent.DONE, r"(i'm|i am) (done|finished)"),
    (Intent.UNKNOWN, r"(i )?(do not|don't|dont) (really )?know|no idea|not sure( about (this|that))?$|can't answer|cannot answer"),
    (Intent.THINKING, r"(let me|i need to|i have to|give me|just) .*(think|thinking|second|moment|minute)"),
    (Intent.THINKING, r"^(hm+|um+|uh+|er+|okay|ok|well|so|right|good question|let me see)( (um+|uh+|okay|so|well|let me see))*$"),
)  # fmt: skip


def intent_of(utterance: str) -> Intent | None:
    """The intent of a short utterance, or None when it is (part of) an answer."""
    words = " ".join(re.findall(r"[a-z']+", utterance.lower()))
    if not words or len(words.split()) > MAX_WORDS:
        return None
    return next((intent for intent, pattern in PHRASES if re.search(pattern, words)), None)
