"""A code by which to bring others for everybody who has none yet, but for those who were erased: from now on it is made with the account."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LETTERS, LENGTH = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 12
KEY = sa.Uuid(as_uuid=False)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    users = sa.table("users", sa.column("id", KEY))
    erasures = sa.table("erasures", sa.column("subject_id", KEY))
    codes = sa.table("referral_codes", sa.column("user_id", KEY), sa.column("code", sa.String), sa.column("made_at", TIME))
    without = sa.select(users.c.id).where(
        users.c.id.not_in(sa.select(codes.c.user_id)), users.c.id.not_in(sa.select(erasures.c.subject_id))
    )
    now = datetime.now(UTC)
    rows = [
        {"user_id": user_id, "code": "".join(secrets.choice(LETTERS) for _ in range(LENGTH)), "made_at": now}
        for user_id in op.get_bind().scalars(without)
    ]
    if rows:
        op.bulk_insert(codes, rows)


def downgrade() -> None:
    """They may stay."""
