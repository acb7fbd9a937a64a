"""Where a server's images go, as its operator wants it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.destinations import (
    BranchDestination,
    FolderDestination,
    ReleaseDestination,
    Way,
    Ways,
)
from bot.adapters.durable import make_directory
from bot.adapters.github import GitHubHost
from bot.adapters.pictures.packing import Overviews, Packing
from bot.core.errors import SettingsError, because
from bot.core.plan import Item
from bot.core.ports import Destination
from bot.core.said import said
from bot.entrypoints.settings import Settings


@dataclass(frozen=True, slots=True)
class Publishing:
    """A destination, how it names files, and whether they have an address there."""

    destination: Destination
    name_of: Callable[[Item], str]
    remote: bool


def publishing(settings: Settings, host: GitHubHost) -> Publishing:
    """What GPTIMAGE_DESTINATION says; on GitHub, the other way is there for what it refuses."""
    if settings.gptimage_destination == "directory":
        folder = Overviews(FolderDestination(_made(output_folder(settings))))
        return Publishing(folder, lambda item: item.path, remote=False)
    return Publishing(Ways(*ways(settings, host)), lambda item: item.asset_name, remote=True)


def output_folder(settings: Settings) -> Path:
    """Where files go that stay on the server."""
    return settings.gptimage_output_dir or settings.gptimage_data_dir / "images"


def ways(settings: Settings, host: GitHubHost) -> Sequence[Way]:
    """The ways to publish on GitHub, the operator's choice first."""
    prefix = settings.gptimage_tag_prefix
    release = Way(
        said("a release"), Packing(ReleaseDestination(host, tag_prefix=prefix)), "release"
    )
    branch = Way(said("a branch"), Packing(BranchDestination(host, prefix=prefix)), "branch")
    return (branch, release) if settings.gptimage_destination == "branch" else (release, branch)


def _made(folder: Path) -> Path:
    """The folder, made if it must be: better a refusal to start than images that go nowhere."""
    try:
        make_directory(folder)
    except OSError as error:
        why = because(error)
        problem = said(
            "GPTIMAGE_OUTPUT_DIR: {folder} cannot be made ({why})", folder=folder, why=why
        )
        raise SettingsError([problem]) from None
    return folder
