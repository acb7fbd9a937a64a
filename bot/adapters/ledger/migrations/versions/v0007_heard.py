"""Deliveries that were commands of somebody with rights remember the thread that heard them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """What came earlier counts for no thread."""
    op.add_column("deliveries", sa.Column("heard_in", sa.Text))
    op.add_column("deliveries", sa.Column("by_bot", sa.Boolean))
    heard = sa.text("heard_in IS NOT NULL")
    op.create_index(
        "ix_deliveries_heard",
        "deliveries",
        ["heard_in", "received_at"],
        sqlite_where=heard,
        postgresql_where=heard,
    )
