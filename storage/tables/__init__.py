"""Every table, once, a file a subject. The migrations are tested to build exactly this (R-160…R-172). Read next: `interviews`.

A session owns its questions, events, turns, segments, tickets, reports and vendors' calls: they go when it goes. The events are the
truth; turns and segments are what they add up to, kept so that pages and reports need no fold. Webhooks belong to nobody, because those
of unknown calls are kept too; costs outlive their session (C-34).
"""

from __future__ import annotations

from .base import metadata
from .interviews import (
    TicketPurpose,
    interview_questions,
    interview_sessions,
    session_events,
    tickets,
    transcript_segments,
    turns,
    users,
)
from .reports import interview_reports, report_facts, report_mails, share_links
from .upstream import cost_entries, engine_calls, webhook_deliveries
from .work import job_nodes

__all__ = [
    "TicketPurpose",
    "cost_entries",
    "engine_calls",
    "interview_questions",
    "interview_reports",
    "interview_sessions",
    "job_nodes",
    "metadata",
    "report_facts",
    "report_mails",
    "session_events",
    "share_links",
    "tickets",
    "transcript_segments",
    "turns",
    "users",
    "webhook_deliveries",
]
