"""A decision keeps the role of whoever made it: another role later changes nothing that was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the role; of what was decided before, the role of today is the best guess."""
    op.add_column("decisions", sa.Column("role", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE decisions SET role = (SELECT users.role FROM users WHERE users.id = decisions.by_id)")
