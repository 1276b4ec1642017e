"""Processes that share the work."""

from __future__ import annotations

from sqlalchemy import Column, Table

from ..columns import Utc, short_text
from .base import metadata

job_nodes = Table(
    "job_nodes",
    metadata,
    Column("id", short_text(128), primary_key=True),
    Column("seen_at", Utc, nullable=False),
)
"""Processes that work on jobs over PostgreSQL, and when they last said so by the database's clock (`nodes`)."""
