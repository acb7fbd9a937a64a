"""Runs remember what was wrong with the repository's file, where that has stopped them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Older runs waited for the file to be mended."""
    op.add_column("runs", sa.Column("faults", sa.Text, nullable=False, server_default="[]"))
