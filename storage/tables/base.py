"""What every table shares: the metadata with its naming of constraints, and the column that ties a row to its interview."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, MetaData

from ..columns import uuid_string

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def session_id() -> Column[str]:
    """The interview a row belongs to and goes with."""
    return Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), nullable=False)
