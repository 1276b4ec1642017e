"""No table of a person's can be forgotten by export and erasure (P1, P2)."""

from __future__ import annotations

from sqlalchemy import Table

from storage.personal import IMPERSONAL, POLICIES, Fate, exported
from storage.tables import metadata

PERSON_COLUMNS = {"user_id", "actor_id", "created_by", "email"}


def ties(table: Table) -> set[str]:
    """Why a table is about somebody: its columns that lead to a person, an interview, a call or an order."""
    keys = {key.target_fullname for column in table.columns for key in column.foreign_keys}
    names = {column.name for column in table.columns}
    return (keys & {"users.id", "interview_sessions.id"}) | (
        names & (PERSON_COLUMNS | {"session_id", "call_id", "order_id", "owner_id", "subject_id"})
    )


def test_every_table_is_named():
    """P1: each table has a policy or is said to be about nobody; the test fails for a new one until somebody decides."""
    assert set(POLICIES) | IMPERSONAL == set(metadata.tables)
    assert not set(POLICIES) & IMPERSONAL


def test_no_table_with_a_tie_is_called_impersonal():
    """P1: what has a user's, an interview's, a call's or an order's key is somebody's."""
    assert {name for name in IMPERSONAL if ties(metadata.tables[name])} == set()


def test_policies_fit_the_tables():
    """P2: their columns exist, what is unlinked may be empty, what stays says why, and what looks like a secret is not exported."""
    for name, policy in POLICIES.items():
        table = metadata.tables[name]
        assert policy.column in table.c, name
        assert set(policy.secret) <= set(table.c.keys()), name
        assert policy.fate is not Fate.UNLINK or table.c[policy.column].nullable, name
        assert policy.fate is not Fate.KEEP or policy.why, name
        assert all(column in table.c for column, _ in policy.empty), name
        assert [column for column in exported(name) if column.endswith("hash") and column != "content_hash"] == [], name
