"""Every table, once, a file a subject. The migrations are tested to build exactly this (R-160…R-172). Read next: `interviews`.

A session owns its questions, events, turns, segments, tickets, reports and vendors' calls: they go when it goes. The events are the
truth; turns and segments are what they add up to, kept so that pages and reports need no fold. Webhooks belong to nobody, because those
of unknown calls are kept too; costs outlive their session (C-34).
"""

from __future__ import annotations

from .accounts import api_tokens, audit_log, identities, invites, logins, one_time_tokens, passwords, users
from .base import metadata
from .branches import session_branches
from .grading import model_grades, report_progress
from .interviews import (
    TicketPurpose,
    interview_questions,
    interview_sessions,
    session_events,
    tickets,
    transcript_segments,
    turns,
)
from .operators import feedback, uptime_spans
from .payments import (
    demo_payments,
    holds,
    money_lines,
    orders,
    referral_codes,
    referrals,
    refunds,
    reviews,
    subscriptions,
    vouchers,
)
from .privacy import (
    ExportState,
    consents,
    data_keys,
    erasures,
    exports,
    legal_holds,
    privacy_choices,
    secret_ages,
)
from .reports import interview_reports, report_facts, report_mails, report_pdfs, share_links
from .upstream import cost_entries, engine_calls, webhook_deliveries
from .work import call_holders, job_nodes, rate_counts

__all__ = [
    "ExportState",
    "TicketPurpose",
    "api_tokens",
    "audit_log",
    "call_holders",
    "consents",
    "cost_entries",
    "data_keys",
    "demo_payments",
    "engine_calls",
    "erasures",
    "exports",
    "feedback",
    "holds",
    "identities",
    "interview_questions",
    "interview_reports",
    "interview_sessions",
    "invites",
    "job_nodes",
    "legal_holds",
    "logins",
    "metadata",
    "model_grades",
    "money_lines",
    "one_time_tokens",
    "orders",
    "passwords",
    "privacy_choices",
    "rate_counts",
    "referral_codes",
    "referrals",
    "refunds",
    "report_facts",
    "report_mails",
    "report_pdfs",
    "report_progress",
    "reviews",
    "secret_ages",
    "session_branches",
    "session_events",
    "share_links",
    "subscriptions",
    "tickets",
    "transcript_segments",
    "turns",
    "uptime_spans",
    "users",
    "vouchers",
    "webhook_deliveries",
]
