"""Where the files of a run go; nothing here needs the server's libraries."""

from bot.adapters.destinations.branch import BranchDestination
from bot.adapters.destinations.directory import DirectoryDestination
from bot.adapters.destinations.folder import FolderDestination
from bot.adapters.destinations.notes import BranchNotes, ReleaseNotes
from bot.adapters.destinations.release import ReleaseDestination
from bot.adapters.destinations.ways import Way, Ways

__all__ = [
    "BranchDestination",
    "BranchNotes",
    "DirectoryDestination",
    "FolderDestination",
    "ReleaseDestination",
    "ReleaseNotes",
    "Way",
    "Ways",
]
