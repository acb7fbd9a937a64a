"""Estimates are kept to be run, comments order once, and runs are found by their thread."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Older runs are found by their thread, too."""
    op.create_table(
        "offers",
        sa.Column("id", sa.Text),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("expected", sa.BigInteger),
        sa.Column("upper_bound", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("run", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_offers_runs"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_orders_runs"),
    )
    op.add_column("runs", sa.Column("place", sa.Text))
    _place_older_runs()
    op.create_index("ix_runs_place", "runs", ["place", "created_at"])


def _place_older_runs() -> None:
    runs = sa.table("runs", sa.column("id"), sa.column("thread"), sa.column("place"))
    connection = op.get_bind()
    found = connection.execute(
        sa.select(runs.c.id, runs.c.thread).where(runs.c.thread.is_not(None))
    )
    for run, thread in found.all():
        at = json.loads(thread)
        place = f"{at['installation']}/{at['repository_id']}/{at['issue']}"
        connection.execute(sa.update(runs).where(runs.c.id == run).values(place=place))
