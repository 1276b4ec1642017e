"""The basic report of the free tier: overall, summary, one strength, one weakness, one recommendation (R-089, C-10).

A view of the full report, which is made and kept all the same, so that an upgrade unlocks it without writing anything anew. Nothing in it is
vaguer or different: what is there reads as it does in the full one, and `more` says how much is behind it. Read next: `render.basic_context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TIER = "basic"
KEPT = (
    "reportId", "sessionId", "generatedAt", "generatedBy", "overallScore", "band", "summary", "disclaimer", "strengthsNote",
    "weaknessesNote", "setup", "startedAt", "endedAt", "endReason", "durationSeconds", "name",
)  # fmt: skip
LISTS = ("strengths", "weaknesses", "recommendations")
"""One of each: the first, which is the heaviest."""


def basic(report: Mapping[str, Any]) -> dict[str, Any]:
    """The basic view of a public report; of a basic one, itself."""
    if is_basic(report):
        return dict(report)
    return {
        **{key: report[key] for key in KEPT if key in report},
        **{name: list(report[name][:1]) for name in LISTS},
        "tier": TIER,
        "more": {
            "questions": len(report["questionAnalysis"]),
            **{name: max(0, len(report[name]) - 1) for name in LISTS},
            "transcript": bool(report["transcript"]),
            "recording": bool(report["recording"]),
        },
    }


def is_basic(report: Mapping[str, Any]) -> bool:
    """Whether this is the basic view."""
    return report.get("tier") == TIER
