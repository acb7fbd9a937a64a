"""Comment text as harmless HTML, close to what GitHub makes of it."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_KINDS = ("note", "tip", "important", "warning", "caution")
_ALERTS = {"markdown-alert", *(f"markdown-alert-{kind}" for kind in _KINDS)}

_CLEANER = nh3.Cleaner(
    tags=nh3.ALLOWED_TAGS | {"input"},  # the boxes of task lists
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href", "title"},
        "details": {"open"},
        "img": {"src", "alt", "width", "height", "title"},
        "input": {"checked", "disabled"},
        "ol": {"start"},
        "td": {"align"},
        "th": {"align"},
    },
    allowed_classes={"div": _ALERTS, "p": {"markdown-alert-title"}},
    tag_attribute_values={"input": {"type": {"checkbox"}}},
    # A box that somebody wrote as HTML is as dead as those of a task list.
    set_tag_attribute_values={"input": {"disabled": "", "type": "checkbox"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow noopener noreferrer",
)


@lru_cache(maxsize=512)  # the page asks for the whole thread again and again
def to_html(text: str) -> str:
    """The text rendered as in a comment: line breaks stay, HTML comments and scripts do not."""
    return _CLEANER.clean(_PARSER.render(text))


def _parser() -> MarkdownIt:
    options = {"linkify": False, "breaks": True, "html": True}
    parser = MarkdownIt("gfm-like2", options).disable("linkify")
    parser.core.ruler.push("align_cells", _align_cells)
    parser.core.ruler.push("link_pictures", _link_pictures)
    return parser


def _align_cells(state: StateCore) -> None:
    """The page's policy forbids inline styles, so columns are aligned by attribute."""
    for token in state.tokens:
        style = token.attrs.pop("style", None) if token.type in {"td_open", "th_open"} else None
        if isinstance(style, str):
            token.attrSet("align", style.removeprefix("text-align:"))


def _link_pictures(state: StateCore) -> None:
    """A picture that is no link yet leads to its own file, as on GitHub."""
    for block in state.tokens:
        if not block.children:
            continue
        linked, children = False, []
        for token in block.children:
            linked = token.type == "link_open" or (linked and token.type != "link_close")
            children += _linked(token) if token.type == "image" and not linked else [token]
        block.children = children


def _linked(image: Token) -> list[Token]:
    opening = Token("link_open", "a", 1, attrs={"href": image.attrs["src"]})
    return [opening, image, Token("link_close", "a", -1)]


_PARSER = _parser()
