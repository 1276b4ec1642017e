"""What a report is used for: facts for statistics, share links, and who is told by e-mail that it is ready."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TYPES = ("javascript", "machine-coding", "dsa", "system-design", "behavioral")
DIFFICULTIES = ("easy", "medium", "hard", "expert")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)


SESSION_INDEXES = (
    ("user_id", "updated_at"),
    ("user_id", "type", "status", "elapsed_ms", "started_at"),
    ("status", "report_status"),
)


def upgrade() -> None:
    """Make the tables, and what the queries over many interviews need."""
    op.drop_index("ix_interview_sessions_status", "interview_sessions")
    for columns in SESSION_INDEXES:
        op.create_index(f"ix_interview_sessions_{'_'.join(columns)}", "interview_sessions", list(columns))
    op.create_table(
        "report_facts",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("difficulty", WORD, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("overall_score", sa.Integer()),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_report_facts"),
        _session("report_facts"),
        _one_of("report_facts", "type", TYPES),
        _one_of("report_facts", "difficulty", DIFFICULTIES),
        sa.CheckConstraint("overall_score BETWEEN 0 AND 100", name=op.f("ck_report_facts_overall_score")),
    )
    indexes: tuple[tuple[str, ...], ...] = (
        ("user_id", "at"),
        ("user_id", "type", "overall_score"),
        ("type", "difficulty", "overall_score", "user_id"),
    )
    for names in indexes:
        op.create_index(f"ix_report_facts_{'_'.join(names)}", "report_facts", list(names))
    op.create_table(
        "share_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(128), nullable=False),
        sa.Column("hide_name", sa.Boolean(), nullable=False),
        sa.Column("hide_transcript", sa.Boolean(), nullable=False),
        sa.Column("hide_audio", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_share_links"),
        _session("share_links"),
        sa.UniqueConstraint("token_hash", name="uq_share_links_token_hash"),
    )
    op.create_index("ix_share_links_session_id", "share_links", ["session_id"])
    op.create_table(
        "report_mails",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.PrimaryKeyConstraint("session_id", name="pk_report_mails"),
        _session("report_mails"),
    )


def downgrade() -> None:
    """Remove the tables and the indexes."""
    for columns in SESSION_INDEXES:
        op.drop_index(f"ix_interview_sessions_{'_'.join(columns)}", "interview_sessions")
    op.create_index("ix_interview_sessions_status", "interview_sessions", ["status"])
    for table in ("report_mails", "share_links", "report_facts"):
        op.drop_table(table)


def _session(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_session_id_interview_sessions"
    return sa.ForeignKeyConstraint(["session_id"], ["interview_sessions.id"], name=name, ondelete="CASCADE")


def _one_of(table: str, column: str, values: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))
