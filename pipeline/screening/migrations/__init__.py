"""The review database's tables, from version to version (Alembic)."""
