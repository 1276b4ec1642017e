"""A report with a person's review beside it: the model's scores stay as they are, the reviewer's stand next to them (C-58).

Pure. `with_review` is applied to every form of the report by `web.reports.placed`. Read next: `bridge.domain.reviewing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.reviewing import Review, ReviewState

from . import scoring
from .text import day
from .write import timestamp


def with_review(report: Mapping[str, Any], review: Review | None) -> dict[str, Any]:
    """The public report with `review` (None when nobody asked for one), and each question with its own."""
    done = review is not None and review.state is ReviewState.DONE and bool(review.marks)
    marks = {mark.question_id: mark for mark in review.marks} if review is not None and done else {}
    questions = []
    for question in report["questionAnalysis"]:
        mark = marks.get(question["questionId"])
        told = {"score": mark.score, "comment": mark.comment} if mark and (mark.score is not None or mark.comment) else None
        questions.append({**question, "review": told})
    return {**report, "questionAnalysis": questions, "review": _told(questions, review)}


def _told(questions: list[dict[str, Any]], review: Review | None) -> dict[str, Any] | None:
    if review is None:
        return None
    # As the model's overall: questions count by their minutes, what was not answered is left out.
    scored = [(q["review"]["score"], q["minutes"]) for q in questions if q["review"] and q["review"]["score"] is not None]
    overall = scoring.weighted(scored)
    return {
        "state": review.state.value,
        "askedAt": timestamp(review.asked_at),
        "dueAt": timestamp(review.due_at),
        "doneAt": timestamp(review.done_at),
        "overallScore": overall,
        "comment": review.comment,
    }


def review_view(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The review as a page shows it; None without one."""
    review = report.get("review")
    if review is None:
        return None
    model, own = report["overallScore"], review["overallScore"]
    apart = None if model is None or own is None else abs(model - own)
    return {
        **review,
        "done": review["state"] == ReviewState.DONE,
        "asked": day(review["askedAt"]),
        "due": day(review["dueAt"]),
        "when": day(review["doneAt"]) if review["doneAt"] else "",
        "apart": None if apart is None else "the same" if apart == 0 else f"{apart} point{'s' if apart != 1 else ''} apart",
    }
