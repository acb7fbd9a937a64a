"""The ledger's tables. A change here needs a revision under migrations/versions."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
)

from bot.adapters.ledger.columns import Amount, Json, Sentence, Sentences, Time, Word
from bot.core.attempts import AttemptState
from bot.core.batch import BatchConfig
from bot.core.errors import Failure
from bot.core.event import CommentEvent
from bot.core.plan import Item
from bot.core.ports import EffectKind
from bot.core.pricing import Usage
from bot.core.run import Extra, Person, RunState, Stop, Thread

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)

leases = Table(
    "leases",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("until", Time, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("guid", Text, nullable=False),
    Column("event", Json(CommentEvent), nullable=False),
    Column("received_at", Time, nullable=False),
    Column("settled_at", Time),
    Column("heard_in", Text),  # the thread, if it was a command of somebody with rights
    Column("by_bot", Boolean),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Word(RunState), nullable=False),
    Column("batch", Json(BatchConfig), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("thread", Json(Thread)),
    Column("author", Json(Person)),
    Column("warnings", Sentences, nullable=False),
    Column("expected", Amount),
    Column("upper_bound", Amount),
    Column("started_at", Time),
    Column("finished_at", Time),  # set exactly while the run is done
    Column("stop", Word(Stop)),
    Column("page_url", Text),
    Column("note", Sentence, nullable=False),
    Column("report", Text),
    Column("digest", Text),
    Column("resumed_at", Time),
    Column("orderer", Json(Person)),
    Column("claims", Integer, nullable=False, server_default="0"),
    Column("language", Text),
    Column("destination", Text),
    Column("extras", Json(tuple[Extra, ...]), nullable=False, server_default="[]"),
    Column("faults", Sentences, nullable=False, server_default="[]"),
    Column("place", Text),  # the issue of the thread, for looking it up
    Column("pruned_at", Time),  # since then its report is all that is kept of it
    Column("counted", Json(dict[str, int])),  # what it has added to the tallies
)

offers = Table(
    "offers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("thread", Json(Thread), nullable=False),
    Column("author", Json(Person), nullable=False),
    Column("batch", Json(BatchConfig), nullable=False),
    Column("warnings", Sentences, nullable=False),
    Column("expected", Amount),
    Column("upper_bound", Amount),
    Column("created_at", Time, nullable=False),
    Column("run", Text, ForeignKey("runs.id")),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("ordered_at", Time, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("wanted", Json(Item), nullable=False),
    Column("order", Integer, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("url", Text),
    Column("path", Text),
    Column("thumbnail", Text),
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("order", Integer, nullable=False),
    Column("state", Word(AttemptState), nullable=False),
    Column("started_at", Time, nullable=False),
    Column("settled_at", Time),
    Column("amount", Amount),
    Column("cost", Amount),
    Column("usage", Json(Usage)),
    Column("failure", Word(Failure)),
    Column("message", Sentence, nullable=False),
    Column("retry_after", Float),
    Column("request_id", Text),
    ForeignKeyConstraint(["run_id", "item"], ["items.run_id", "items.item"]),
)

budgets = Table(
    "budgets",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("committed", Amount, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("held", Amount, nullable=False),  # this run's part of what the budget has committed
    ForeignKeyConstraint(["scope", "window"], ["budgets.scope", "budgets.window"]),
)

effects = Table(
    "effects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Word(EffectKind), nullable=False),
    Column("thread", Json(Thread), nullable=False),
    Column("body", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("shown", Integer, nullable=False),  # the version that needs no delivery any more
    Column("created_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("attempted", Boolean, nullable=False),
    Column("remote", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("given_up", Text),
)

missed = Table(
    "missed",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("sending", BigInteger, nullable=False),  # the newest, which GitHub can repeat
    Column("noticed_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("tries", Integer, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Time, nullable=False),
)


def _open_only(name: str, condition: ColumnElement[bool], *columns: Column[Any]) -> Index:
    """An index of what is still to be done: it stays small however long the history grows."""
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


_open_only("ix_deliveries_unsettled", deliveries.c.settled_at.is_(None), deliveries.c.received_at)
_open_only("ix_runs_unfinished", runs.c.finished_at.is_(None), runs.c.created_at)
_open_only("ix_effects_owed", effects.c.shown < effects.c.version, effects.c.due_at)

# The line of those that wait: first those that were ordered once, then those ordered again.
_open_only(
    "ix_runs_line",
    runs.c.finished_at.is_(None),
    runs.c.state,
    runs.c.resumed_at,
    runs.c.created_at,
    runs.c.id,
)

# What the tallies lack.
_open_only(
    "ix_runs_uncounted",
    and_(runs.c.counted.is_(None), runs.c.thread.is_not(None)),
    runs.c.id,
)

# How much a thread has heard lately.
Index(
    "ix_deliveries_heard",
    deliveries.c.heard_in,
    deliveries.c.received_at,
    sqlite_where=deliveries.c.heard_in.is_not(None),
    postgresql_where=deliveries.c.heard_in.is_not(None),
)

# Two open intents for one image would be two calls at the same time: the database refuses them.
Index(
    "ix_attempts_open",
    attempts.c.run_id,
    attempts.c.item,
    unique=True,
    sqlite_where=attempts.c.settled_at.is_(None),
    postgresql_where=attempts.c.settled_at.is_(None),
)

# A budget that is over goes when no run holds anything of it.
Index("ix_reservations_budget", reservations.c.scope, reservations.c.window)

# SQLite looks for rows that refer to a new run.
Index("ix_orders_run", orders.c.run_id)
Index("ix_offers_run", offers.c.run)

# Looking back: a batch finds its runs again, and a person the latest ones.
Index("ix_runs_digest", runs.c.digest, runs.c.created_at)
Index("ix_runs_created", runs.c.created_at)
Index("ix_runs_place", runs.c.place, runs.c.created_at)
