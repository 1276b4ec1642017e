"""What a judged report has beside a coverage report, made ready for its page: sub-scores, spread, what to look at twice (M3).

A report without these keys (an older one, or one without a model) gives empty views. Read next: `render`, `charts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COVERAGE, JUDGED = "Coverage, not judgement.", "Judged, and checked."


def is_judged(report: Mapping[str, Any]) -> bool:
    """Whether a judge's grades are in it."""
    return (report.get("grading") or {}).get("engine") == "judge"


def judged_view(report: Mapping[str, Any]) -> dict[str, Any]:
    """Of the whole report."""
    grading = report.get("grading") or {}
    judged = is_judged(report)
    spread = grading.get("spread")
    return {
        "judged": judged,
        "headline": JUDGED if judged else COVERAGE,
        "note": grading.get("note"),
        "spread": _spread(spread, len(grading.get("scores", ()))) if judged else None,
        "scores": [str(score) for score in grading.get("scores", ())],
        "coverage": grading.get("coverageScore") if judged else None,
        "flags": [_flag(flag) for flag in grading.get("flags", ())],
        "rules": list(report["rubric"].get("rules", ())),
        "weights": [(item["title"], item["weight"]) for item in report["rubric"].get("dimensions", ())],
    }


def _flag(flag: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": flag["text"],
        "order": flag["order"],
        "quotes": [
            {"text": quote["quote"], "t": f"{quote['atMs'] / 1000:.2f}", "clock": _clock(quote["atMs"])}
            for quote in flag["quotes"]
        ],
    }


def _clock(milliseconds: float) -> str:
    seconds = int(milliseconds // 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _spread(spread: Mapping[str, int] | None, gradings: int) -> str | None:
    """`71–83 over 3 gradings`; None where there is nothing to spread."""
    if spread is None or gradings < 2:
        return None
    low, high = spread["low"], spread["high"]
    return f"{low} in each of {gradings} gradings" if low == high else f"{low}–{high} over {gradings} gradings"


def question_view(question: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Of one question; `evidence` is by id, made ready already."""
    grading = question.get("grading")
    own = [item for item in evidence.values() if item["questionId"] == question["questionId"]]
    feedback = question["feedback"]
    judged = bool(grading)
    return {
        "judged": judged,
        "coverage": question.get("coverageScore") if judged else None,
        "note": question.get("gradingNote"),
        "spread": _spread(grading["spread"], len(grading["scores"])) if grading else None,
        "subs": [_sub(sub, evidence) for sub in grading["subScores"].values()] if grading else [],
        "dropped": grading["claimsDropped"] if grading else 0,
        "done": _told(feedback["whatYouDidWell"], own) if judged else [],
        "better": _told(feedback["whatCouldBeBetter"], own) if judged else [],
        "lacking": list(feedback["missingPoints"]) if judged else [],
    }


def _sub(sub: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
    counted = sub["counted"]
    low, high = min(counted, default=sub["score"]), max(counted, default=sub["score"])
    return {
        "title": sub["title"][:1].upper() + sub["title"][1:],
        "score": f"{sub['score']:g}",
        "spread": f"{low:g}–{high:g}" if low != high else None,
        "why": sub["why"],
        "held": sub["held"],
        "quotes": [evidence[key] for key in sub["evidence"] if key in evidence],
    }


def _told(texts: Sequence[str], evidence: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each sentence with the places of the words that it quotes."""
    return [
        {"text": text, "quotes": list({e["quote"]: e for e in evidence if f"“{e['quote']}”" in text}.values())} for text in texts
    ]
