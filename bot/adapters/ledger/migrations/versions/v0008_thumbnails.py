"""Small copies of the images, and whatever else was published beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Older runs have nothing beside their images but a report, whose address nobody kept."""
    op.add_column("items", sa.Column("thumbnail", sa.Text))
    op.add_column("runs", sa.Column("extras", sa.Text, nullable=False, server_default="[]"))
