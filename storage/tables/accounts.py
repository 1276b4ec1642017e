"""People, the ways in to their accounts, and what was done with power. Read next: `interviews`, whose rows they own.

No secret is stored: passwords as argon2 hashes, every token and code as a SHA-256 of at least 128 random bits.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from bridge.domain.account import Role

from ..columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string
from .base import metadata

users = Table(
    "users",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("email", PlainText),
    Column("role", one_of(Role, "role"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("disabled_at", Utc),
    UniqueConstraint("email"),
)


def user_id() -> Column[str]:
    """The person a row belongs to and goes with."""
    return Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


passwords = Table(
    "passwords",
    metadata,
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", PlainText, nullable=False),
    Column("changed_at", Utc, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    user_id(),
    Column("created_at", Utc, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
    Index(None, "user_id"),
)
"""Who somebody is elsewhere: an OpenID provider's subject, or a proxy's name. Never an address alone."""

logins = Table(
    "logins",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("token_hash", short_text(128), nullable=False),
    user_id(),
    Column("method", short_text(32), nullable=False),
    Column("agent", PlainText, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    UniqueConstraint("token_hash"),
    Index(None, "user_id"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("token_hash", short_text(128), primary_key=True),
    Column("purpose", short_text(32), nullable=False),
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE")),
    Column("browser_hash", short_text(128)),
    Column("data", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)
"""Set-up links, magic links, new passwords, and what an OpenID sign-in must come back with."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    user_id(),
    Column("name", PlainText, nullable=False),
    Column("prefix", short_text(16), nullable=False),
    Column("token_hash", short_text(128), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("used_at", Utc),
    Column("revoked_at", Utc),
    UniqueConstraint("token_hash"),
    Index(None, "user_id"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("code_hash", short_text(128), nullable=False),
    Column("note", PlainText, nullable=False),
    Column("role", one_of(Role, "role"), nullable=False),
    Column("created_by", uuid_string(), ForeignKey("users.id", ondelete="SET NULL")),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("places", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("revoked_at", Utc),
    UniqueConstraint("code_hash"),
    CheckConstraint("taken BETWEEN 0 AND places", name="taken"),
    Index(None, "created_by"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor_id", uuid_string()),
    Column("action", short_text(64), nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("detail", Json, nullable=False),
    Index(None, "subject"),
    Index(None, "actor_id"),
)
"""No foreign keys on purpose: what was done stays true when the person or the interview is gone."""
