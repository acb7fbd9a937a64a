"""Pictures that people dragged into a thread, as GitHub gives them to an App."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, TypeAdapter

from bot.adapters.github.access import Access
from bot.adapters.github.addresses import Home, split
from bot.adapters.github.answers import Comment, read
from bot.adapters.github.client import Client
from bot.adapters.github.fetching import Fetcher, ForbiddenError, NotGivenError, TooLargeError
from bot.adapters.github.wire import Request
from bot.adapters.pictures.inputs import UnusableError
from bot.core.run import Thread
from bot.core.said import said

# With what GitHub makes of the text: the addresses in it are signed, and need no sign-in. That is
# the one way for an App to see what is attached in a private repository: its token is refused.
_FULL = "application/vnd.github.full+json"
_COMMIT = said("commit the picture to the default branch, and name it by its path")
_NAME = said(
    "name a picture of the default branch by its path, one that is attached in this thread by its"
    " address, or one of an earlier run as run:ID/fox.png"
)
_DRAG = said("drag the picture into a comment of this thread, and name the address that appears")


class _Text(BaseModel, frozen=True):
    """What somebody wrote, and what GitHub shows for it."""

    body: str | None = None
    body_html: str | None = None


class _Said(Comment, _Text, frozen=True):
    """A comment, in both forms."""


_ISSUE = TypeAdapter(_Text)
_COMMENTS = TypeAdapter(list[_Said])


class Attachments:
    """What is attached in one thread; looked up once, at the first question."""

    def __init__(
        self, client: Client, access: Access, fetcher: Fetcher, home: Home, thread: Thread
    ) -> None:
        self._client = client
        self._access = access
        self._fetcher = fetcher
        self._home = home
        self._thread = thread
        self._found: Mapping[str, str] | None = None

    async def fetch(self, address: str, most: int) -> bytes:
        """The picture of an address that stands in the thread, `most` bytes at most.

        Raises UnusableError, and HostError where asking again may help.
        """
        name = self._home.attachment(address)
        if name is None:
            raise UnusableError(said("is an address"), _NAME)
        if self._found is None:
            self._found = await self._look()
        if name not in self._found:
            raise UnusableError(said("is no picture of this thread"), _DRAG)
        return await self._get(self._found[name], most)

    async def _get(self, address: str, most: int) -> bytes:
        token = None
        if self._thread.private and self._home.attachment(address):
            token = await self._access.token(self._thread)
        try:
            return await self._fetcher.get(address, most, token)
        except TooLargeError:
            raise UnusableError(said("is too large; it must be below 50 MB")) from None
        except ForbiddenError:
            raise UnusableError(said("leads to another server"), _COMMIT) from None
        except NotGivenError:
            message = said("is gone, or GitHub does not show it to an App")
            raise UnusableError(message, _COMMIT) from None

    async def _look(self) -> Mapping[str, str]:
        """The names of all that is attached, each with the address to fetch it from."""
        found: dict[str, str] = {}
        async for text in self._texts():
            signed = list(_sources(text.body_html or ""))
            for address in addresses_in(text.body or ""):
                if name := self._home.attachment(address):
                    found[name] = next((url for url in signed if self._signs(url, name)), address)
        return found

    def _signs(self, url: str, name: str) -> bool:
        parts = split(url)
        return parts is not None and name in parts.path and bool(parts.query)

    async def _texts(self) -> AsyncIterator[_Text]:
        """What people wrote. What we say may repeat an address of theirs, and attaches nothing."""
        path = f"/issues/{self._thread.issue}"
        yield read(_ISSUE, await self._client.ask(self._thread, Request("GET", path, accept=_FULL)))
        request = Request("GET", f"{path}/comments", accept=_FULL)
        async for comment in self._client.entries(self._thread, request, _COMMENTS):
            if not await self._access.wrote(comment):
                yield comment


# --- addresses in a text ----------------------------------------------------------------------

_MARKDOWN = MarkdownIt("commonmark")


def addresses_in(text: str) -> Iterator[str]:
    """The addresses that a comment shows or leads to; what stands in code does neither."""
    for token in _tokens(_MARKDOWN.parse(text)):
        match token.type:
            case "image":
                yield str(token.attrs["src"])
            case "link_open":
                yield str(token.attrs["href"])
            case "html_inline" | "html_block":
                yield from _sources(token.content)
            case "text":
                yield from (word for word in token.content.split() if "://" in word)
            case _:
                pass


def _tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or ())


class _Sources(HTMLParser):
    """Collects what the pictures and links of a piece of HTML name; never fails."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"img": "src", "a": "href"}.get(tag)
        self.found += [value for name, value in attrs if name == wanted and value]


def _sources(html: str) -> Iterator[str]:
    parser = _Sources()
    parser.feed(html)
    parser.close()
    yield from parser.found
