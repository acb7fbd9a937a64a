"""What users wrote is shown in a comment, and does nothing there."""

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.markup import address, escape, link

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# What GitHub's filters look for in the finished text.
LINKED = re.compile(
    r"@[a-z0-9]|#\d|\bgh-\d|[a-z]-\d|:[a-z+-]|://|\bwww\.|\b[0-9a-f]{7,40}\b", re.IGNORECASE
)


class Page(HTMLParser):
    """The tags and the text of a rendered comment."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(GITHUB.render(markdown))

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, _: str) -> None:
        self.tags.append("!")


LINKS = ["@octocat", "#1", "fixes #1", "GH-1", "https://", "www.example.org", "a@b.co", ":tada:"]
HTML = ["<b>", "<!-- x -->", "&#64;", "&commat;", "<https://a.b>"]
MARKUP = ["```", "~~", "*", "_", "|", "\n", "\\", "[x](y)", "![", "$x$"]
STARTS = ["/batch", "::error::", "- ", "1. ", "# ", "> ", "===", "---", "    ", "\t"]
HIDDEN = ["\u202e", "\u200b", "\x00", "\x1b[31m", "\ud800", "0123456789abcdef"]
SHARP = st.sampled_from([*LINKS, *HTML, *MARKUP, *STARTS, *HIDDEN])
TEXTS = st.lists(SHARP | st.text(max_size=4), max_size=12).map("".join)


@given(TEXTS)
@example("&#64;octocat")
@example("@\u202eoctocat")
@example("#\x001")
@example("   \u202e    /batch")
def test_whatever_was_written_is_one_paragraph_of_plain_text(text: str) -> None:
    page = Page(escape(text))
    assert set(page.tags) <= {"p"}
    assert page.tags.count("p") <= 1
    assert not LINKED.search(page.text)


@given(TEXTS)
def test_what_is_shown_is_what_was_written(text: str) -> None:
    def essence(shown: str) -> str:
        return "".join(c for c in shown if c.isprintable() and not c.isspace() and c != "\u200b")

    shown = Page(escape(text, 10_000)).text
    assert essence(shown) == essence("".join(c for c in text if _is_visible(c)))


def _is_visible(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in {"Cc", "Cs", "Cf"}


@given(TEXTS)
def test_a_table_a_list_and_a_fold_keep_their_shape(text: str) -> None:
    cell = escape(text)
    table = Page(f"| a | b |\n|---|---|\n| {cell} | x |")
    assert table.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert Page(f"- {cell}\n- y").tags in (["ul", "li", "li"], ["ul", "li", "p", "li", "p"])
    attribute = Page(f'<img alt="{cell}">')
    assert attribute.tags in (["p", "img"], ["img"])


@given(TEXTS)
def test_no_line_begins_with_a_command_of_anybody(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert not escaped.startswith(("/", ":", "#", " ", "-", ">"))


@given(st.text(min_size=300), st.integers(2, 100))
def test_long_text_is_cut_and_says_so(text: str, limit: int) -> None:
    shown = unescape(escape(text, limit)).replace("\u200b", "")
    assert len(shown) <= limit
    plain = " ".join("".join(c for c in text if _is_visible(c)).split())
    assert len(plain) <= limit or "…" in shown


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("a red fox, 4:3", "a red fox, 4:\u200b3"),
        ("狐と月", "狐と月"),
        ("ping @octocat, fixes #1", "ping @\u200boctocat, fixes #\u200b1"),
        ("a | b", "a &#124; b"),
        ("two\n\nlines", "two lines"),
        ("/batch", "\u200b/batch"),
        ("", ""),
    ],
)
def test_it_stays_readable_in_the_source(text: str, raw: str) -> None:
    assert escape(text) == raw


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "data:image/png;base64,AA"])
def test_only_addresses_of_the_web_become_links(url: str | None) -> None:
    assert Page(link("fox.png", url)).tags == ["p"]


@given(st.text())
def test_no_address_breaks_out_of_its_link(rest: str) -> None:
    url = f"https://example.org/{rest}".encode(errors="replace").decode()
    assert Page(link("a ] b", url)).tags == ["p", "a"]
    assert Page(f'x <img src="{address(url)}">').tags == ["p", "img"]
    assert not set("\"'<>()[]|` \n") & set(address(url))
