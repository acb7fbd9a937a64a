"""No connection goes where an address leads that should not be asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from bot.adapters.github.addresses import Home
from bot.adapters.github.fetching import (
    Fetcher,
    ForbiddenError,
    NotGivenError,
    TooLargeError,
)
from bot.core.errors import HostError

PATH = "/user-attachments/assets/0a1b2c3d-0000-4000-8000-00000000abcd"
TOKEN = SecretStr("ghs_only-for-github")


class Listener:
    """A server on loopback that counts who comes, and answers everybody the same."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(b"")
        self.heard[-1] = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Listener"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Names:
    """A name server that says another thing each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = answers
        self.asked = Counter[str]()

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked[host] += 1
        return self.answers[min(self.asked.total(), len(self.answers)) - 1]


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
async def trap() -> AsyncIterator[Listener]:
    async with Listener().open() as listener:
        yield listener


FORMS = [
    "http://127.0.0.1:{port}",
    "https://127.0.0.1:{port}",
    "https://localhost:{port}",
    "https://2130706433:{port}",
    "https://0x7f000001:{port}",
    "https://017700000001:{port}",
    "https://127.1:{port}",
    "https://[::1]:{port}",
    "https://[::ffff:127.0.0.1]:{port}",
    "https://[::ffff:7f00:1]:{port}",
    "https://0.0.0.0:{port}",
    "https://169.254.169.254:{port}",
    "https://github.com@127.0.0.1:{port}",
    "https://github.com:x@127.0.0.1:{port}",
    "https://127.0.0.1:{port}\\@github.com",
    "https://127.0.0.1:{port}#@github.com",
    "https://github.com.127.0.0.1.nip.example:{port}",
    "//127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}",
]


@pytest.mark.parametrize("form", FORMS)
async def test_an_address_from_within_is_not_asked(trap: Listener, form: str) -> None:
    fetcher = Fetcher(Home("https://github.com"), Names(["127.0.0.1"]))
    with pytest.raises(ForbiddenError):
        await fetcher.get(form.format(port=trap.port) + PATH, 100, TOKEN)
    assert trap.heard == []


@pytest.mark.parametrize("form", FORMS)
async def test_nor_is_one_that_github_leads_to(trap: Listener, form: str) -> None:
    async with Listener(redirect(form.format(port=trap.port) + PATH)).open() as github:
        with pytest.raises((ForbiddenError, NotGivenError)):
            await Fetcher(Home(github.url)).get(github.url + PATH, 100, TOKEN)
    assert trap.heard == []


@pytest.mark.parametrize(
    "answers",
    [
        [["127.0.0.1"]],
        [["10.0.0.1"]],
        [["140.82.121.3", "127.0.0.1"]],
        [["::ffff:127.0.0.1"]],
        [[]],
    ],
)
async def test_a_good_name_that_stands_for_a_machine_within_is_not_asked(
    answers: list[list[str]],
) -> None:
    names = Names(*answers)
    with pytest.raises(ForbiddenError):
        await Fetcher(Home("https://github.com"), names).get(f"https://github.com{PATH}", 100)


async def test_a_name_is_resolved_once_and_its_second_answer_never_used(trap: Listener) -> None:
    """The home may be private, so the connection to what was resolved can be seen here."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    home = Home(f"http://octo.example:{trap.port}")
    assert await Fetcher(home, names).get(home.url + PATH, 100) == b"hi"
    assert names.asked == {"octo.example": 1}
    assert len(trap.heard) == 1
    assert f"Host: octo.example:{trap.port}".encode() in trap.heard[0]


async def test_a_rebinding_name_reaches_nobody(trap: Listener) -> None:
    """The first answer would pass a look that is made before the connection's own."""
    async with Listener(redirect("https://x.githubusercontent.com/a")).open() as github:
        home = Home(f"http://octo.example:{github.port}")
        names = Names(["127.0.0.1"], ["127.0.0.1"])
        with pytest.raises(ForbiddenError):
            await Fetcher(home, names).get(home.url + PATH, 100, TOKEN)
    assert names.asked == {"octo.example": 1, "x.githubusercontent.com": 1}
    assert trap.heard == []


async def test_the_token_is_shown_to_the_first_address_alone() -> None:
    async with Listener().open() as github:
        home = Home(github.url)
        github.answer = redirect(f"{github.url}/stored")
        with pytest.raises(ForbiddenError):  # it leads to itself
            await Fetcher(home).get(github.url + PATH, 100, TOKEN)
    assert [b"ghs_only" in each for each in github.heard] == [True, False, False]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NotGivenError),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", NotGivenError),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", HostError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", TooLargeError),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101, TooLargeError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", HostError),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", ForbiddenError),
        (b"SSH-2.0-OpenSSH\r\n", HostError),
    ],
)
async def test_what_cannot_be_had_says_why(answer: bytes, error: type[Exception]) -> None:
    async with Listener(answer).open() as github:
        with pytest.raises(error):
            await Fetcher(Home(github.url)).get(github.url + PATH, 100)


async def test_who_does_not_answer_may_be_asked_again() -> None:
    async with Listener().open() as listener:
        gone = listener.url
    with pytest.raises(HostError):
        await Fetcher(Home(gone)).get(gone + PATH, 100)
