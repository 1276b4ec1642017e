"""Runs migrations on the connection that `storage.migrate` gives, inside its transaction and under its lock."""

from __future__ import annotations

from alembic import context

from storage.migrate import is_ours
from storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_ours,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
