"""Sums over the runs that are over, and the line of those that wait."""

import json
from collections import Counter, defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ITEMS = """
    SELECT items.run_id, CASE WHEN attempts.state IS NOT NULL THEN attempts.state
        WHEN items.cancelled THEN 'cancelled' ELSE 'reserved' END AS state, count(*) AS n
    FROM items JOIN runs ON runs.id = items.run_id
    LEFT JOIN attempts ON attempts.run_id = items.run_id AND attempts.item = items.item
        AND attempts.number = (SELECT max(number) FROM attempts AS other
            WHERE other.run_id = items.run_id AND other.item = items.item)
    WHERE runs.thread IS NOT NULL AND runs.finished_at IS NOT NULL GROUP BY 1, 2
"""
_MONEY = """
    SELECT attempts.run_id, attempts.state, sum(CASE WHEN attempts.state = 'succeeded'
        THEN coalesce(attempts.cost, attempts.amount) ELSE attempts.amount END) AS n
    FROM attempts JOIN runs ON runs.id = attempts.run_id
    WHERE runs.thread IS NOT NULL AND runs.finished_at IS NOT NULL GROUP BY 1, 2
"""


def upgrade() -> None:
    """Runs that are over are counted; others will be at their end."""
    op.add_column("runs", sa.Column("counted", sa.Text))
    op.create_table(
        "tallies",
        sa.Column("name", sa.Text),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tallies"),
    )
    _count()
    op.create_index("ix_orders_run", "orders", ["run_id"])
    op.create_index("ix_offers_run", "offers", ["run"])
    _index("ix_runs_line", ["state", "resumed_at", "created_at", "id"], "finished_at IS NULL")
    _index("ix_runs_uncounted", ["id"], "counted IS NULL AND thread IS NOT NULL")


def _index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "runs", columns, sqlite_where=where, postgresql_where=where)


def _count() -> None:
    connection = op.get_bind()
    of_runs: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, statement in (("items", _ITEMS), ("money", _MONEY)):
        for run, state, number in connection.execute(sa.text(statement)).all():
            if number:
                of_runs[run][f"{kind}.{state}"] = int(number)
    sums = Counter[str]()
    for run, counted in of_runs.items():
        sums.update(counted)
        connection.execute(
            sa.text("UPDATE runs SET counted = :counted WHERE id = :run"),
            {"run": run, "counted": json.dumps(counted)},
        )
    for name, value in sums.items():
        connection.execute(
            sa.text("INSERT INTO tallies (name, value) VALUES (:name, :value)"),
            {"name": name, "value": value},
        )
