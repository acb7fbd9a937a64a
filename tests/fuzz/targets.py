"""What may be sent, and what must never come of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from bot.core.command import Batch, Estimate, InRepository, parse_command
from bot.core.errors import BatchError, CommandError
from bot.core.markdown import MAX_BODY, batch_problems, command_problem, estimate_answer
from bot.core.messages import ENGLISH
from bot.core.parse import Around
from bot.core.ports import Host, NoFile
from bot.core.pricing import estimate
from bot.core.run import Thread
from bot.engine.intake.reading import read_batch
from bot.entrypoints.web import create_web
from tests.web.conftest import NOW, SECRET, ListScheduler, MemoryInbox, comment, sign

THREAD = Thread(7, 1001, "o/r", private=True, issue=9, comment=1)
DATA = Path(__file__).parents[1] / "data"
SIGNED = b"signed"  # the line of a head that stands for the right signature

COMMENT_WORDS = (
    *(b"/estimate", b" help", b" run", b" retry", b" cancel", b" status", b" doubt"),
    *(b" --size ", b" --max-cost ", b"=", b"json", b"yaml", b'{"jobs": []}', b"abcdefghij"),
    *(b"\n", b"\r\n", b"> ", b"```", b"~~~", b"- ", b"1. ", b"`", b"<!--", b"-->", b"<a ", b"["),
    *(b"](", b"*", b"\\", b'"', b"'", b"    ", "é🦊".encode(), b"\xe2\x80\xae", b"\x00", b"\xff"),
)
FILE_WORDS = (
    *(b"json\n", b"jsonc\n", b"yaml\n", b'{"jobs": [', b"jobs:\n", b"- prompt: ", b'"prompt": "'),
    *(b'"defaults": {', b'"variables": {', b'"size": "', b'"sample_count": ', b'"output_path": "'),
    *(b'"reference_image_path": ["', b"auto"),
    *(b"1024x1024", b"9" * 20, b"1e309", b"NaN", b"null", b"true", b"{{", b"}}", b"&a ", b"*a"),
    *(b"<<: ", b"!!python/object:", b"| \n", b"// ", b"/* ", b"\\u0000", b"\\ud800", b"\xff"),
    *(b"<!-- gptimage:", b"../", b"@", b"[]", b"{}", b"\n", b"  ", b",", b'"'),
)
WEBHOOK_WORDS = (
    *(SIGNED, b"\n\n", b"x-hub-signature-256: sha256=", b"x-github-event: issue_comment\n"),
    *(b"content-length: 5\n", b"content-type: application/json\n", b'{"', b'": ', b"null", b"[]"),
    *(b"1e999", b"9223372036854775808", b"-1", b"\\ud800", b"created", b"edited"),
    *(b'"action"', b'"comment"', b'"installation"', b'"sender"', b"true", b"}", b"\xff", b"0"),
)


class _Repository:
    """A repository with one file at most."""

    def __init__(self, content: bytes | NoFile) -> None:
        self._content = content

    async def file(self, _thread: Thread, _path: str, _most: int) -> bytes | NoFile:
        return self._content


def a_comment(data: bytes) -> None:
    """Any text is a command with its price, an answer that says what is wrong, or nothing."""
    for text in (data.decode(errors="surrogateescape"), "/batch " + data.decode("latin-1")):
        try:
            command = parse_command(text)
        except CommandError as error:
            if not error.message:
                raise AssertionError("an answer without words") from None
            _decent(command_problem(error, ENGLISH))
        else:
            if isinstance(command, Batch | Estimate):
                _decent(asyncio.run(_answer(command, NoFile.MISSING)))


def a_file(data: bytes) -> None:
    """Any file that a command names is a batch with its price, or an answer that says why not."""
    kind, _, content = data.partition(b"\n")
    source = InRepository(f"batch.{kind.decode(errors='replace')}")
    _decent(asyncio.run(_answer(Batch(source, {}), content)))


async def _answer(command: Batch | Estimate, content: bytes | NoFile) -> str:
    host = cast("Host", _Repository(content))
    try:
        parsed = await read_batch(command, THREAD, host, Around())
    except BatchError as error:
        return batch_problems(error, ENGLISH)
    except CommandError as error:
        return command_problem(error, ENGLISH)
    return estimate_answer(estimate(parsed.config), parsed.warnings, ENGLISH)


def _decent(answer: str) -> None:
    """It says something that GitHub takes, and nobody's text becomes one of our marks."""
    if not 0 < len(answer) <= MAX_BODY or "<!--" in answer:
        raise AssertionError(f"{len(answer)} characters: {answer[:500]}")


def webhook(data: bytes) -> None:
    """Whatever comes: never 500, and nothing is kept that the secret has not signed."""
    head, _, body = data.partition(b"\n\n")
    headers = [*_headers(head, body)]
    inbox = MemoryInbox()
    status = asyncio.run(_post(inbox, headers, body))
    given = [value for name, value in headers if name == b"x-hub-signature-256"]
    signed = given == [sign(body).encode()]
    if status >= 500 or (inbox.deliveries and not signed) or (status < 300 and not signed):
        raise AssertionError(f"{status}, kept {len(inbox.deliveries)}, signed {signed}")


def _headers(head: bytes, body: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Header lines; servers hand their names on in lower case, and values without line breaks."""
    found = []
    for line in head.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name.strip().lower(), value.strip()))
        elif line == SIGNED:
            found.append((b"x-hub-signature-256", sign(body).encode()))
    return found


async def _post(inbox: MemoryInbox, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> int:
    app = create_web(
        inbox=inbox,
        scheduler=ListScheduler(),
        secrets=[SecretStr(SECRET)],
        clock=lambda: NOW,
        checks={},
        max_body=100_000,
    )
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/webhook",
        "raw_path": b"/webhook",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)
    return int(sent[0]["status"])


def planted(data: bytes) -> None:
    """Fail behind a few steps, so that a test sees the fuzzer get there."""
    if data.startswith(b"x") and b"/batch" in data and data.endswith(b"!"):
        raise KeyError(data)


@dataclass(frozen=True)
class Target:
    """What tries one input, and raises whatever must not happen; and what is changed at first."""

    check: Callable[[bytes], None]
    corpus: Sequence[bytes]
    words: Sequence[bytes]


def seeds(name: str) -> list[bytes]:
    """What once mattered, a file each."""
    return [path.read_bytes() for path in sorted((DATA / "fuzz" / name).iterdir())]


_DELIVERY = b"x-github-event: issue_comment\nsigned\n\n" + comment("/batch\n- a fox")
TARGETS = {
    "comment": Target(a_comment, seeds("comment"), COMMENT_WORDS),
    "file": Target(a_file, seeds("file"), FILE_WORDS),
    "webhook": Target(webhook, [*seeds("webhook"), _DELIVERY], WEBHOOK_WORDS),
}
PLANTED = {"planted": Target(planted, [b"/batch"], [])}
