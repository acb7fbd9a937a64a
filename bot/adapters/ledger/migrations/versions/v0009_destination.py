"""Runs remember where their repository wanted the files when they were opened."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Older runs go wherever the server's operator wants them."""
    op.add_column("runs", sa.Column("destination", sa.Text))
