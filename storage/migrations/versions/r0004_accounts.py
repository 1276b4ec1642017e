"""People get addresses and roles; sign-ins, tokens, invitations and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLES = ("candidate", "operator", "reviewer", "admin")
SINGLE_USER = "00000000-0000-4000-8000-000000000001"
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)
HASH = sa.String(128)


def upgrade() -> None:
    """Make the tables; the one person there was so far may do everything."""
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("email", sa.Text()))
        batch.add_column(sa.Column("role", WORD))
        batch.add_column(sa.Column("disabled_at", TIME))
    users = sa.table("users", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("role"))
    op.execute(users.update().values(role=sa.case((users.c.id == SINGLE_USER, "admin"), else_="candidate")))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("role", existing_type=WORD, nullable=False)
        batch.create_check_constraint(op.f("ck_users_role"), _role("role"))
        batch.create_unique_constraint("uq_users_email", ["email"])
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_passwords"),
        _user("passwords"),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        _user("identities"),
    )
    op.create_table(
        "logins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", WORD, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.UniqueConstraint("token_hash", name="uq_logins_token_hash"),
        _user("logins"),
    )
    op.create_table(
        "one_time_tokens",
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("purpose", WORD, nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("browser_hash", HASH),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.PrimaryKeyConstraint("token_hash", name="pk_one_time_tokens"),
        _user("one_time_tokens"),
    )
    op.create_index("ix_one_time_tokens_expires_at", "one_time_tokens", ["expires_at"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("used_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        _user("api_tokens"),
    )
    for table in ("identities", "logins", "one_time_tokens", "api_tokens"):
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", HASH, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("code_hash", name="uq_invites_code_hash"),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_invites_created_by_users", ondelete="SET NULL"),
        sa.CheckConstraint("taken BETWEEN 0 AND places", name=op.f("ck_invites_taken")),
        sa.CheckConstraint(_role("role"), name=op.f("ck_invites_role")),
    )
    op.create_index("ix_invites_created_by", "invites", ["created_by"])
    op.create_table(
        "audit_log",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_subject", "audit_log", ["subject"])
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor_id"])


def downgrade() -> None:
    """Remove the tables and the columns."""
    for table in ("audit_log", "invites", "api_tokens", "one_time_tokens", "logins", "identities", "passwords"):
        op.drop_table(table)
    with op.batch_alter_table("users") as batch:
        batch.drop_constraint("uq_users_email", type_="unique")
        batch.drop_constraint(op.f("ck_users_role"), type_="check")
        for column in ("disabled_at", "role", "email"):
            batch.drop_column(column)


def _user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id_users", ondelete="CASCADE")


def _role(column: str) -> str:
    listed = ", ".join(f"'{role}'" for role in ROLES)
    return f"{column} IN ({listed})"
