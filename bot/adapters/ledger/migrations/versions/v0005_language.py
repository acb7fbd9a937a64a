"""Runs remember the language of their thread."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Older runs are told in the language of their server."""
    op.add_column("runs", sa.Column("language", sa.Text))
