"""What users wrote is shown in a comment, and does nothing there."""

import re
import unicodedata
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.attempts import AttemptState
from bot.core.batch import Job
from bot.core.errors import Failure
from bot.core.markdown import final
from bot.core.markup import address, escape, link
from bot.core.messages import Language, messages
from bot.core.run import Extra, FileKind, ItemView, Person, RunView
from tests.core.test_markdown import T0, tried, waiting

LANGUAGES: tuple[Language, ...] = get_args(Language)
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
        if tag == "br":  # nobody reads on over the end of a line, and neither does GitHub
            self.text += "\n"

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


def last_word(text: str, *, language: Language = "en") -> str:
    """What is said of a run in which people and servers have written the text everywhere."""
    made, wrong, doubt = waiting(*(Job(prompt="x", output_path=f"{n}.png") for n in "abc")).items

    def hostile(item: ItemView) -> ItemView:
        call = replace(item.item.call, prompt=text, size=text, quality=text)
        return replace(item, item=replace(item.item, call=call, path=text), path=None)

    items = (
        hostile(tried(made, AttemptState.SUCCEEDED)),
        hostile(tried(wrong, AttemptState.FAILED, Failure.INVALID, text or "x")),
        hostile(tried(doubt, AttemptState.IN_DOUBT, Failure.TIMEOUT)),
    )
    run = waiting(Job(prompt="x", output_path="x.png")).run
    extras = (Extra(FileKind.ARCHIVE, text, "https://a.b/x"),)
    person, note = Person(1, text), text or "x"
    run = replace(run, author=person, warnings=(text,), note=note, extras=extras)
    return final(RunView(run, items), T0, messages(language))


PLAIN_TAGS = {language: Page(last_word("x", language=language)).tags for language in LANGUAGES}


@given(TEXTS, st.sampled_from(LANGUAGES))
@example("</summary></details><h1>", "en")
@example("x\n\n> [!CAUTION]\n> x", "en")
@example("[^1]: x", "ja")
@example("--> <!-- x", "en")
@example("0123456789abcdef", "en")
def test_a_last_word_keeps_its_shape_and_pings_nobody(text: str, language: Language) -> None:
    page = Page(last_word(text, language=language))
    assert page.tags == PLAIN_TAGS[language]
    assert not LINKED.search(page.text)


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "data:image/png;base64,AA"])
def test_only_addresses_of_the_web_become_links(url: str | None) -> None:
    assert Page(link("fox.png", url)).tags == ["p"]


@given(st.text())
def test_no_address_breaks_out_of_its_link(rest: str) -> None:
    url = f"https://example.org/{rest}".encode(errors="replace").decode()
    assert Page(link("a ] b", url)).tags == ["p", "a"]
    assert Page(f'x <img src="{address(url)}">').tags == ["p", "img"]
    assert not set("\"'<>()[]|` \n") & set(address(url))
