"""An answer given again, set beside the first one: score, key points, time, words (M15).

Pure: two entries of `questionAnalysis` for the same question in, what changed out. Nothing is scored here. Read next: `render`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from bridge.domain.branch import Attempt

NOT_COMPARED = "one question answered again is practice: it is compared with your first answer, not with anybody's interviews"
DIFFERENTLY = "The two answers were scored in different ways, so their scores do not quite compare; the key points do."
WORTH = {"yes": 2, "partly": 1, "no": 0}


def changed(before: Mapping[str, Any], now: Mapping[str, Any], question_id: str) -> dict[str, Any] | None:
    """What changed from report `before` to report `now` in one question; None where either does not have it."""
    old, new = (_entry(report, question_id) for report in (before, now))
    if old is None or new is None:
        return None
    was, score = old["userScore"], new["userScore"]
    return {
        "sessionId": before["sessionId"],
        "questionId": question_id,
        "order": old["order"],
        "date": before["startedAt"] or before["generatedAt"],
        "previousScore": was,
        "score": score,
        "change": None if was is None or score is None else score - was,
        "note": DIFFERENTLY if (old.get("scoredBy") or "coverage") != (new.get("scoredBy") or "coverage") else None,
        "previousAnswer": old["answer"],
        "answer": new["answer"],
        "previousSeconds": old["clock"]["seconds"],
        "seconds": new["clock"]["seconds"],
        "points": _points(old["keyPoints"], new["keyPoints"]),
    }


def _entry(report: Mapping[str, Any], question_id: str) -> Mapping[str, Any] | None:
    return next((entry for entry in report["questionAnalysis"] if entry["questionId"] == question_id), None)


def _points(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each key point then and now; `move` is gained, lost, kept or missing."""
    was = {point["id"]: point["shown"] for point in old}
    found = []
    for point in new:
        before, now = WORTH.get(was.get(point["id"]) or "no", 0), WORTH.get(point["shown"] or "no", 0)
        move = "gained" if now > before else "lost" if now < before else "kept" if now else "missing"
        found.append(
            {"id": point["id"], "text": point["text"], "before": was.get(point["id"]), "now": point["shown"], "move": move}
        )
    return found


def repeats(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """The repeats of a report's questions, as the public JSON has them."""
    return [
        {
            "questionId": attempt.question_id,
            "sessionId": attempt.session_id,
            "date": attempt.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "score": attempt.score,
        }
        for attempt in attempts
    ]


def not_compared(placed: Mapping[str, Any]) -> dict[str, Any]:
    """The report of a repeat: without a comparison with whole interviews."""
    comparison = placed["comparisonToStandards"] | {"statusMessage": NOT_COMPARED}
    return dict(placed) | {"comparisonToStandards": comparison, "sinceLastTime": None}
