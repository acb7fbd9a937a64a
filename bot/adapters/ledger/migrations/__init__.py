"""The ledger's tables as they changed, one revision after the other; only Alembic comes here."""
