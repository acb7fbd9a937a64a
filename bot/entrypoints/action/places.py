"""Where the files of a comment's run are on this machine, for later steps."""

from dataclasses import replace
from pathlib import Path

from bot.core.run import RunView
from bot.entrypoints.action.asked import Order
from bot.entrypoints.action.summary import Place

FOLDERS = frozenset({"artifact", "directory"})


def folder(order: Order) -> Path | None:
    """Where images are written, if they are not published on GitHub."""
    if order.given.destination not in FOLDERS:
        return None
    return order.given.output_dir or order.temporary / "gptimage-images"


def place(order: Order) -> Place:
    """Where its images and its report go; the report is a file wherever the images are."""
    images = folder(order) or order.temporary / "gptimage-images"
    return Place(images, images / "report.json")


def found(view: RunView, place: Place) -> RunView:
    """The run with the places of its files on this machine, for later steps."""
    items = (
        replace(item, path=str(place.images / item.path)) if item.path else item
        for item in view.items
    )
    return RunView(view.run, tuple(items))
