"""Every table that is tied to a person, and what export and erasure do with it: the one list, which a test compares with the schema (R-115, R-117, P1, P2).

A new table with a user's or a session's key must be named here, or the test fails. Read next: `privacy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Table, select

from .tables import interview_sessions, metadata


class Key(StrEnum):
    """How a row is tied to a person."""

    PERSON = "person"
    """`column` holds the person's id."""
    SESSION = "session"
    """`column` holds the id of one of the person's interviews."""
    CALL = "call"
    """`column` holds a vendor's id of a call of one of the person's interviews."""
    ORDER = "order"
    """`column` holds the id of one of the person's orders."""


class Fate(StrEnum):
    """What erasing an account does with the rows. What belongs to an interview goes with the purge of each interview before."""

    WITH_INTERVIEW = "with_interview"
    DELETE = "delete"
    UNLINK = "unlink"
    """The row stays true, the person in it is forgotten (C-34)."""
    KEEP = "keep"
    """Holds nothing of a person by itself; says why."""
    EMPTY = "empty"
    """The row stays without what it says of the person."""


@dataclass(frozen=True)
class Policy:
    """One table's."""

    key: Key
    column: str
    fate: Fate
    secret: tuple[str, ...] = ()
    """Columns that are left out of an export: hashes of tokens, keys."""
    why: str = ""
    empty: tuple[tuple[str, Any], ...] = ()
    """What columns become, for EMPTY."""


POLICIES: dict[str, Policy] = {
    "users": Policy(
        Key.PERSON, "id", Fate.EMPTY, empty=(("name", ""), ("email", None)),
        why="An id without a person, to which the empty rows of erased interviews belong.",
    ),
    "passwords": Policy(Key.PERSON, "user_id", Fate.DELETE, secret=("hash",)),
    "identities": Policy(Key.PERSON, "user_id", Fate.DELETE),
    "logins": Policy(Key.PERSON, "user_id", Fate.DELETE, secret=("token_hash",)),
    "one_time_tokens": Policy(Key.PERSON, "user_id", Fate.DELETE, secret=("token_hash", "browser_hash", "data")),
    "api_tokens": Policy(Key.PERSON, "user_id", Fate.DELETE, secret=("token_hash", "prefix")),
    "invites": Policy(Key.PERSON, "created_by", Fate.UNLINK, secret=("code_hash",)),
    "audit_log": Policy(Key.PERSON, "actor_id", Fate.UNLINK),
    "orders": Policy(Key.PERSON, "user_id", Fate.UNLINK, secret=("checkout_url",)),
    "money_lines": Policy(Key.PERSON, "user_id", Fate.UNLINK),
    "holds": Policy(Key.PERSON, "user_id", Fate.UNLINK),
    "subscriptions": Policy(Key.PERSON, "user_id", Fate.UNLINK),
    "refunds": Policy(Key.ORDER, "order_id", Fate.KEEP, why="What was paid back stays true; its order leads to nobody."),
    "reviews": Policy(Key.PERSON, "user_id", Fate.DELETE),
    "referral_codes": Policy(Key.PERSON, "user_id", Fate.DELETE),
    "referrals": Policy(Key.PERSON, "referee_id", Fate.DELETE),
    "demo_payments": Policy(Key.ORDER, "order_id", Fate.KEEP, why="A pretended provider's memory: amounts and states alone."),
    "privacy_choices": Policy(Key.PERSON, "user_id", Fate.DELETE),
    "exports": Policy(Key.PERSON, "user_id", Fate.DELETE),
    "interview_sessions": Policy(
        Key.PERSON, "user_id", Fate.WITH_INTERVIEW,
        why="An empty row stays, so that what a vendor still sends about the call is known and thrown away.",
    ),
    "report_facts": Policy(Key.PERSON, "user_id", Fate.WITH_INTERVIEW),
    "interview_questions": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "session_events": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "turns": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "transcript_segments": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "tickets": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW, secret=("token_hash",)),
    "interview_reports": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "share_links": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW, secret=("token_hash",)),
    "report_pdfs": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW, secret=("content", "whole", "sealed")),
    "report_mails": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "model_grades": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "report_progress": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "session_branches": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "feedback": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "call_holders": Policy(Key.SESSION, "session_id", Fate.WITH_INTERVIEW),
    "consents": Policy(Key.SESSION, "session_id", Fate.KEEP, why="That it was agreed to must be shown later; it names nobody."),
    "legal_holds": Policy(Key.SESSION, "session_id", Fate.KEEP, why="While it stands nothing of the interview is erased; it goes when it is released."),
    "engine_calls": Policy(Key.SESSION, "session_id", Fate.KEEP, why="Vendors' copies are erased by these ids, and late messages known by them."),
    "webhook_deliveries": Policy(Key.CALL, "call_id", Fate.WITH_INTERVIEW),
    "cost_entries": Policy(Key.SESSION, "session_id", Fate.KEEP, why="What a call cost stays true; the id leads to an empty row (C-34)."),
    "data_keys": Policy(Key.SESSION, "owner_id", Fate.WITH_INTERVIEW, secret=("wrapped", "master_id")),
    "erasures": Policy(Key.SESSION, "subject_id", Fate.KEEP, secret=("id",), why="Receipts hold nothing of a person."),
}  # fmt: skip
IMPERSONAL = frozenset({"job_nodes", "rate_counts", "secret_ages", "uptime_spans", "vouchers"})
"""Tables about nobody."""


def table_of(name: str) -> Table:
    """The table."""
    return metadata.tables[name]


OF_AN_INTERVIEW = tuple(
    table_of(name)
    for name, policy in POLICIES.items()
    if policy.fate is Fate.WITH_INTERVIEW and name != "interview_sessions" and "session_id" in table_of(name).c
)
"""What the purge of an interview empties."""


def belongs(name: str, user_id: str) -> ColumnElement[bool]:
    """Which rows of a table are tied to the person."""
    policy, table = POLICIES[name], table_of(name)
    column = table.c[policy.column]
    if policy.key is Key.PERSON:
        return column == user_id
    if policy.key is Key.ORDER:
        orders = table_of("orders")
        return column.in_(select(orders.c.id).where(orders.c.user_id == user_id))
    mine = select(interview_sessions.c.id).where(interview_sessions.c.user_id == user_id)
    if policy.key is Key.SESSION:
        return column.in_(mine)
    calls = table_of("engine_calls")
    return column.in_(select(calls.c.call_id).where(calls.c.session_id.in_(mine)))


def exported(name: str) -> Sequence[str]:
    """Columns of a table that an export shows."""
    return [column.name for column in table_of(name).columns if column.name not in POLICIES[name].secret]
