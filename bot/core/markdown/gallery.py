"""The images of a run to look at: small copies that lead to the originals.

GitHub shows pictures through a proxy that takes about 5 MB, so no original is shown itself.
"""

from collections.abc import Iterable, Sequence

from bot.core.markdown.parts import counted
from bot.core.markup import address, body, escape, folded, is_web, link
from bot.core.messages import Messages
from bot.core.run import Extra, FileKind, ItemView, Run

_OPEN_IMAGES = 24  # shown at once; the others wait in a fold
_FEW = 3
_ALT = 80
# In pixels of the page: alike in height, pictures of all shapes stand in even rows.
_TALL, _SMALL = 320, 160


def gallery(run: Run, items: Sequence[ItemView], messages: Messages) -> str:
    """A picture of each image; of very many, overviews and the archives that hold them."""
    archives = ", ".join(link(each.name, each.url) for each in run.beside(FileKind.ARCHIVE))
    shown = [item for item in items if item.winner and is_web(item.url) and is_web(item.thumbnail)]
    height = _TALL if len(shown) <= _FEW else _SMALL
    pictures = [_picture(item, height) for item in shown]
    more = counted(messages.final.more_images, len(pictures) - _OPEN_IMAGES)
    return body(
        f"🗜️ {archives}" if archives else "",
        _overviews(run.beside(FileKind.SHEET), messages),
        " ".join(pictures[:_OPEN_IMAGES]),
        folded(more, " ".join(pictures[_OPEN_IMAGES:])),
    )


def _picture(item: ItemView, height: int) -> str:
    url, small = address(item.url or ""), address(item.thumbnail or "")
    alt = escape(item.item.call.prompt, _ALT)
    return f'<a href="{url}"><img src="{small}" alt="{alt}" height="{height}"></a>'


def _overviews(sheets: Sequence[Extra], messages: Messages) -> str:
    if not sheets:
        return ""
    more = counted(messages.final.more_overviews, len(sheets) - 1)
    return body(*_sheets(sheets[:1]), folded(more, body(*_sheets(sheets[1:]))))


def _sheets(sheets: Iterable[Extra]) -> Iterable[str]:
    for each in sheets:
        url = address(each.url)
        yield f'<a href="{url}"><img src="{url}" alt="{escape(each.name)}"></a>'
