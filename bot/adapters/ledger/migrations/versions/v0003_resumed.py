"""Runs remember when a person went on with them: their working time counts from there."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Older runs were never resumed, as far as their working time goes."""
    op.add_column("runs", sa.Column("resumed_at", sa.BigInteger))
