"""The first ledger: leases, deliveries, runs with items and attempts, money, effects."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _leases_and_inbox()
    _runs()
    _attempts()
    _money()
    _outbox()


def _leases_and_inbox() -> None:
    op.create_table(
        "leases",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_leases"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    _index("ix_deliveries_unsettled", "deliveries", ["received_at"], "settled_at IS NULL")


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("thread", sa.Text),
        sa.Column("author", sa.Text),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("expected", sa.BigInteger),
        sa.Column("upper_bound", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("stop", sa.Text),
        sa.Column("page_url", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("report", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    _index("ix_runs_unfinished", "runs", ["created_at"], "finished_at IS NULL")
    op.create_table(
        "items",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("item", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("path", sa.Text),
        sa.PrimaryKeyConstraint("run_id", "item", name="pk_items"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_items_runs"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("item", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("amount", sa.BigInteger),
        sa.Column("cost", sa.BigInteger),
        sa.Column("usage", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("retry_after", sa.Float),
        sa.Column("request_id", sa.Text),
        sa.PrimaryKeyConstraint("run_id", "item", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["run_id", "item"], ["items.run_id", "items.item"], name="fk_attempts_items"
        ),
    )
    _index("ix_attempts_open", "attempts", ["run_id", "item"], "settled_at IS NULL", unique=True)


def _money() -> None:
    op.create_table(
        "budgets",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "window", name="pk_budgets"),
    )
    op.create_table(
        "reservations",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "scope", "window", name="pk_reservations"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reservations_runs"),
        sa.ForeignKeyConstraint(
            ["scope", "window"],
            ["budgets.scope", "budgets.window"],
            name="fk_reservations_budgets",
        ),
    )


def _outbox() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("shown", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempted", sa.Boolean, nullable=False),
        sa.Column("remote", sa.BigInteger),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("given_up", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_effects"),
    )
    _index("ix_effects_owed", "effects", ["due_at"], "shown < version")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )
