"""Alembic's entry: runs the migrations on the connection that pipeline.screening.database hands over."""

from __future__ import annotations

from alembic import context

from pipeline.screening.records import Table

# render_as_batch: SQLite cannot alter a table in place, Alembic copies it.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
