"""The operators' part of the API as it is described at `/api/docs`."""

from __future__ import annotations

from pydantic import BaseModel

from ..api import after
from . import bodies

Operation = tuple[str, str, str, type[BaseModel] | None, dict[int, type[BaseModel] | str]]
CALL = "/api/operator/calls/{session_id}"
OPERATIONS: tuple[Operation, ...] = (
    ("GET", "/api/operator/calls", "Operators: live calls, those that need attention first", None, {200: "`{calls, capacity}`"}),
    (
        "GET",
        f"{CALL}/events",
        "Operators: a call's log and what happens in it; `Last-Event-ID` goes on behind it",
        None,
        {200: "text/event-stream: `{seq, kind, atMs, data}`; the id is `seq`, passing items have none"},
    ),
    ("GET", f"{CALL}/log", "Operators: the raw log", None, {200: "application/x-ndjson"}),
    ("POST", f"{CALL}/whisper", "Operators: tell the interviewer something nobody hears", bodies.Words, {200: "`{seq}`"}),
    ("POST", f"{CALL}/say", "Operators: have the interviewer say something", bodies.Words, {200: "`{seq}`"}),
    ("POST", f"{CALL}/extend", "Operators: more time", bodies.Extension, {200: "`{seq, minutes}`"}),
    ("POST", f"{CALL}/end", "Operators: end a call, with a goodbye or at once", bodies.End, {202: "`{ending: true}`"}),
    ("POST", "/api/operator/pause", "Operators: let no new interview begin", None, {200: "`{capacity}`"}),
    ("POST", "/api/operator/drain", "Operators: the same, and not ready for a load balancer", None, {200: "`{capacity}`"}),
    ("GET", "/api/operator/figures", "Operators: the success metrics with their targets", None, {200: "`{figures, at}`"}),
    ("POST", "/api/operator/sessions/{session_id}/report", "Operators: write a report again", None, {202: "`{queued: true}`"}),
    (
        "POST",
        "/api/operator/sessions/{session_id}/refund",
        "Operators: give back what was paid",
        None,
        {202: "`{refunding: true}`"},
    ),
    (
        "POST",
        "/api/operator/deliveries/{delivery_id}/retry",
        "Operators: take a webhook in again",
        None,
        {202: "`{queued: true}`"},
    ),
    (
        "POST",
        "/api/operator/jobs/retry",
        "Operators: run a job again that was given up",
        bodies.JobWish,
        {202: "`{queued: true}`"},
    ),
    (
        "POST",
        "/api/interviews/{session_id}/feedback",
        "Rate an interview that is over, 1 to 5",
        after.Rating,
        {200: "`{feedback}`"},
    ),
    ("GET", "/api/interviews/{session_id}/feedback", "What you gave", None, {200: "`{feedback}`, null in it without one"}),
    (
        "GET",
        "/api/interviews/{session_id}/visits",
        "What operators did with your interview",
        None,
        {200: "`{visits: [{at, who, action, words}]}`"},
    ),
    (
        "POST",
        "/api/operator/reviews/{session_id}/take",
        "Reviewers: have this review alone for a day",
        None,
        {200: "`{state, dueAt, doneAt}`"},
    ),
    (
        "POST",
        "/api/operator/reviews/{session_id}/release",
        "Reviewers: leave it to another",
        None,
        {200: "`{state, dueAt, doneAt}`"},
    ),
    (
        "POST",
        "/api/operator/reviews/{session_id}",
        "Reviewers: hand in scores and comments, once",
        bodies.ReviewWish,
        {201: "`{state, dueAt, doneAt}`"},
    ),
    ("POST", "/api/operator/undrain", "Operators: let interviews begin again", None, {200: "`{capacity}`"}),
)
