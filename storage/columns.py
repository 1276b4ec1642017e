"""Column types that mean the same on SQLite and PostgreSQL. Read next: `tables`.

Times are aware and UTC, text never holds what a database refuses, enums are strings with a CHECK, ids are UUID strings.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, String, Text, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB

ENUM_LENGTH = 32


class Utc(TypeDecorator[datetime]):
    """An aware time, stored as UTC. A naive one is refused: SQLite would give it back hours wrong."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text of any length; NUL and lone surrogates, which PostgreSQL refuses, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean it."""
        return plain(value) if value is not None else None


class Json(TypeDecorator[Any]):
    """A JSON document, JSONB on PostgreSQL; its texts are as clean as `PlainText`."""

    impl = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Clean its texts."""
        return _plain_json(value)


def plain(text: str) -> str:
    """`text` as every database takes it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")


def _plain_json(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): _plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_json(item) for item in value]
    return value


def one_of(members: type[StrEnum], name: str) -> Enum:
    """A string column that holds the enum's values only; `name` names its CHECK."""
    return Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=ENUM_LENGTH,
        values_callable=lambda enum: [member.value for member in enum],
    )


def uuid_string() -> Uuid[str]:
    """A UUID that Python sees as its 36 characters."""
    return Uuid(as_uuid=False)


def serial() -> Any:
    """A growing integer key."""
    return BigInteger().with_variant(Integer, "sqlite")


def short_text(length: int) -> String:
    """Text of our own making (codes, slugs, hashes): bounded, never a person's words."""
    return String(length)


def as_uuid(text: str) -> str | None:
    """The canonical form of a UUID string, or None when it is none."""
    try:
        canonical = str(UUID(text))
    except ValueError:
        return None
    return canonical if canonical == text.lower() else None
