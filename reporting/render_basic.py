"""The basic view of a report made ready for its page (C-10). Read next: `basic`, `render`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLURALS = (
    ("strengths", "strength", "strengths"),
    ("weaknesses", "place where points were missing", "places where points were missing"),
    ("recommendations", "recommendation", "recommendations"),
)


def behind(more: Mapping[str, Any]) -> list[str]:
    """What the full report has beside, in words."""
    n = more["questions"]
    rows = [
        f"{n} {'question' if n == 1 else 'questions'} one by one: your words, what was covered, what was missing, a model answer",
        *(f"{more[name]} more {one if more[name] == 1 else many}" for name, one, many in PLURALS if more[name]),
        "Coverage by area, time and pace, filler words",
        "A comparison with this server's other interviews and with your last one",
    ]
    if more["recording"]:
        rows.append("The transcript beside the recording: click a sentence, hear it")
    elif more["transcript"]:
        rows.append("The transcript, with the words that counted marked")
    return rows
