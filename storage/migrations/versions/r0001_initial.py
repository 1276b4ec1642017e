"""The first tables: users, sessions with questions, log, transcript, tickets and reports, and the nodes that work on jobs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TYPES = ("javascript", "machine-coding", "dsa", "system-design", "behavioral")
DIFFICULTIES = ("easy", "medium", "hard", "expert")
STATUSES = (
    "setup", "ready", "awaiting_payment", "initiated", "in_progress", "interrupted",
    "completed", "partial", "failed", "cancelled", "deleted",
)  # fmt: skip
REPORT_STATUSES = ("none", "queued", "running", "ready", "failed", "stale")

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "interview_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("difficulty", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("report_status", WORD, nullable=False),
        sa.Column("configuration", JSON, nullable=False),
        sa.Column("engine", WORD, nullable=False),
        sa.Column("call_id", sa.Text()),
        sa.Column("has_recording", sa.Boolean(), nullable=False),
        sa.Column("elapsed_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_reason", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("interrupted_at", TIME),
        sa.Column("ended_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_interview_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_interview_sessions_user_id_users", ondelete="RESTRICT"
        ),
        sa.UniqueConstraint("engine", "call_id", name="uq_interview_sessions_engine_call_id"),
        sa.CheckConstraint("elapsed_ms >= 0", name=op.f("ck_interview_sessions_elapsed_ms")),
        _one_of("interview_sessions", "type", TYPES),
        _one_of("interview_sessions", "difficulty", DIFFICULTIES),
        _one_of("interview_sessions", "status", STATUSES),
        _one_of("interview_sessions", "report_status", REPORT_STATUSES),
    )
    op.create_index("ix_interview_sessions_user_id_created_at", "interview_sessions", ["user_id", "created_at"])
    op.create_index("ix_interview_sessions_status", "interview_sessions", ["status"])
    op.create_table(
        "interview_questions",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("difficulty", WORD, nullable=False),
        sa.Column("focus_area", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("spoken", sa.Text(), nullable=False),
        sa.Column("motivation", sa.Text(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Float(53), nullable=False),
        sa.Column("key_points", JSON, nullable=False),
        sa.Column("follow_ups", JSON, nullable=False),
        sa.Column("model_answer", sa.Text(), nullable=False),
        sa.Column("lesson", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interview_questions"),
        _of_session("interview_questions"),
        sa.UniqueConstraint("session_id", "position", name="uq_interview_questions_session_id_position"),
        sa.UniqueConstraint("session_id", "question_id", name="uq_interview_questions_session_id_question_id"),
        _one_of("interview_questions", "type", TYPES),
        _one_of("interview_questions", "difficulty", DIFFICULTIES),
    )
    op.create_table(
        "session_events",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_session_events"),
        _of_session("session_events"),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_session_events_seq")),
    )
    op.create_table(
        "turns",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("speaker", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("question_id", sa.Text()),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        _of_session("turns"),
        sa.UniqueConstraint("session_id", "turn_id", name="uq_turns_session_id_turn_id"),
        _one_of("turns", "speaker", ("interviewer", "candidate")),
        _one_of("turns", "source", ("speech", "typed", "browser", "script")),
    )
    op.create_table(
        "transcript_segments",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("follow_ups", JSON, nullable=False),
        sa.Column("turn_ids", JSON, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "question_id", name="pk_transcript_segments"),
        _of_session("transcript_segments"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(128), nullable=False),
        sa.Column("purpose", WORD, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        _of_session("tickets"),
        sa.UniqueConstraint("token_hash", name="uq_tickets_token_hash"),
        _one_of("tickets", "purpose", ("start", "resume")),
    )
    op.create_index("ix_tickets_session_id", "tickets", ["session_id"])
    op.create_table(
        "interview_reports",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("generated_at", TIME, nullable=False),
        sa.Column("overall_score", sa.Integer()),
        sa.Column("content_hash", sa.String(128), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interview_reports"),
        _of_session("interview_reports"),
        sa.UniqueConstraint("session_id", "version", name="uq_interview_reports_session_id_version"),
        sa.UniqueConstraint("session_id", "content_hash", name="uq_interview_reports_session_id_content_hash"),
        sa.CheckConstraint("version >= 1", name=op.f("ck_interview_reports_version")),
        sa.CheckConstraint("overall_score BETWEEN 0 AND 100", name=op.f("ck_interview_reports_overall_score")),
    )
    op.create_table(
        "job_nodes",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_nodes"),
    )


def downgrade() -> None:
    """Remove everything."""
    for table in (
        "job_nodes", "interview_reports", "tickets", "transcript_segments", "turns", "session_events",
        "interview_questions", "interview_sessions", "users",
    ):  # fmt: skip
        op.drop_table(table)


def _of_session(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["session_id"],
        ["interview_sessions.id"],
        name=f"fk_{table}_session_id_interview_sessions",
        ondelete="CASCADE",
    )


def _one_of(table: str, column: str, values: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))
