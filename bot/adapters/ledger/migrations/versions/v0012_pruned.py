"""Runs remember since when only their report is kept, and budgets who holds something of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing has been pruned so far."""
    op.add_column("runs", sa.Column("pruned_at", sa.BigInteger))
    op.create_index("ix_reservations_budget", "reservations", ["scope", "window"])
