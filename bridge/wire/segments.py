"""A question's part of the talk, as clients see it: on the candidate's socket and in the API."""

from __future__ import annotations

from typing import Any

from ..domain.segments import Segment


def segment_json(segment: Segment) -> dict[str, Any]:
    """The segment as clients see it."""
    return {
        "questionId": segment.question_id,
        "n": segment.n,
        "question": segment.question,
        "followUps": list(segment.follow_ups),
        "turnIds": list(segment.turn_ids),
        "answer": segment.answer,
        "startMs": segment.start_ms,
        "endMs": segment.end_ms,
        "closed": segment.closed,
    }
