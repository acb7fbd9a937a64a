"""Alembic's way in: it runs the revisions on the connection that it was given."""

from alembic import context

from bot.adapters.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by writing the table anew
)
context.run_migrations()
