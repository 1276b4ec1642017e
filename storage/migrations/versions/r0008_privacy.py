"""Consents, choices, keys of what is encrypted, archives for download, erasures and legal holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "consents",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("receivers", JSON, nullable=False),
        sa.Column("training", sa.Boolean(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        _parent("consents", "session_id", "interview_sessions"),
    )
    op.create_index("ix_consents_session_id", "consents", ["session_id"])
    op.create_table(
        "privacy_choices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("training", sa.Boolean(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_privacy_choices"),
        _parent("privacy_choices", "user_id", "users"),
    )
    op.create_table(
        "data_keys",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("master_id", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_data_keys"),
    )
    op.create_index("ix_data_keys_master_id", "data_keys", ["master_id"])
    op.create_table(
        "secret_ages",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("mark", sa.String(16), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret_ages"),
    )
    op.create_table(
        "legal_holds",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_legal_holds"),
        _parent("legal_holds", "session_id", "interview_sessions"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("copies", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_subject_id", "erasures", ["subject_id"])
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("size", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        _parent("exports", "user_id", "users"),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'failed')", name=op.f("ck_exports_state")),
    )
    op.create_index("ix_exports_user_id_made_at", "exports", ["user_id", "made_at"])


def downgrade() -> None:
    """Remove the tables. Recordings encrypted meanwhile cannot be played afterwards."""
    for table in ("exports", "erasures", "legal_holds", "secret_ages", "data_keys", "privacy_choices", "consents"):
        op.drop_table(table)


def _parent(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{parent}"
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=name, ondelete="CASCADE")
