"""The ledger's tables as they changed, one revision after the other.

Each revision only adds, and what it adds to a table that is there may be left out: processes of
the version before are at work while it runs, and go on afterwards.
Apart from the rest, because Alembic takes longer to import than a ledger to open.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.core.errors import SettingsError
from bot.core.said import said


def run(connection: Connection) -> None:
    """Run the revisions that are missing, in the caller's transaction.

    Raises SettingsError for tables that a newer program has left.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # the revision that is there is not among ours
        raise SettingsError(
            [said("DATABASE_URL: a newer gptimage made this ledger ({error})", error=error)]
        ) from None
