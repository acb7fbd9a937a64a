"""Where the files of a run go; nothing here needs the server's libraries."""

from bot.adapters.destinations.directory import DirectoryDestination
from bot.adapters.destinations.release import ReleaseDestination

__all__ = ["DirectoryDestination", "ReleaseDestination"]
