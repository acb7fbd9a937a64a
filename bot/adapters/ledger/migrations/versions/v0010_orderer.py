"""Runs remember who ordered them again, and how often they had been claimed by then."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Of older runs that were ordered again, their authors are asked about."""
    op.add_column("runs", sa.Column("orderer", sa.Text))
    op.add_column("runs", sa.Column("claims", sa.Integer, nullable=False, server_default="0"))
