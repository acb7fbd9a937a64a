"""Runs remember which batch they are of, so that the same batch finds its run again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Older runs have no digest, and are found by their ids only."""
    op.add_column("runs", sa.Column("digest", sa.Text))
    op.create_index("ix_runs_digest", "runs", ["digest", "created_at"])
    op.create_index("ix_runs_created", "runs", ["created_at"])
