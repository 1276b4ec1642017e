"""An answer given again made ready for its page: then and now side by side (M15). Read next: `branching`, `render`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import charts
from .text import day, signed

MOVES = {
    "gained": ("New this time", "good"),
    "lost": ("Said before, not this time", "warn"),
    "kept": ("Said both times", "accent"),
    "missing": ("Not heard either time", ""),
}


def again_view(before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What changed since the answer that is repeated; None where nothing is."""
    if before is None:
        return None
    return {
        **before,
        "when": day(before["date"]),
        "signed": None if before["change"] is None else signed(before["change"]),
        "was": _length(before["previousSeconds"]),
        "now": _length(before["seconds"]),
        "moves": [
            {"title": title, "kind": kind, "texts": texts}
            for move, (title, kind) in MOVES.items()
            if (texts := [point["text"] for point in before["points"] if point["move"] == move])
        ],
    }


def _length(seconds: float | None) -> str:
    return "–" if seconds is None else charts.minutes(seconds)


def repeats_of(report: Mapping[str, Any], question_id: str) -> list[dict[str, Any]]:
    """A question's repeats, for the report of the first answer."""
    return [
        {"sessionId": each["sessionId"], "score": each["score"], "when": day(each["date"])}
        for each in report.get("answeredAgain", ())
        if each["questionId"] == question_id
    ]
