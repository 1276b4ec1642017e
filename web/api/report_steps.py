"""Where a report stands, in words: what `/report` answers while there is none yet, and what its stream tells (R-085, R-086)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.session import InterviewSession, ReportStatus

STEPS = {
    ReportStatus.QUEUED: "Waiting for its turn",
    ReportStatus.RUNNING: "Comparing your answers with the key points",
    ReportStatus.STALE: "Writing a newer version",
}


def step_of(session: InterviewSession, progress: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`{reportStatus, step}`; while answers are judged `stepName` (judging, assembling) as well, `done` and `of`: how many of them are."""
    status = session.report_status
    told = {"reportStatus": status.value, "step": STEPS.get(status, STEPS[ReportStatus.QUEUED])}
    if status is ReportStatus.RUNNING and progress:
        told |= {"step": progress["text"], "stepName": progress["step"], "done": progress["done"], "of": progress["of"]}
    return told


def strengths_of(progress: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The first strengths, in the order in which they were found: `{order, text, quote}`, the quote looked up already."""
    return list(progress["strengths"]) if progress else []
