"""Files leave a piece at a time, as long as was said, and again from their beginning."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from bot.adapters.github import bodies
from bot.adapters.github.bodies import Body

SIZES = (0, 1, 2, 3, 1_000_000, 3_000_001)


async def sent(body: Body) -> list[bytes]:
    return [piece async for piece in body.pieces()]


def content(file: Path) -> bytes:
    return file.read_bytes()


@pytest.fixture(params=SIZES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "archive.zip"
    path.write_bytes(bytes(n % 251 for n in range(request.param)))
    return path


async def test_a_file_is_sent_as_it_is(file: Path) -> None:
    body = await bodies.plain(file)
    for _ in range(2):  # after a refused token, for instance
        assert b"".join(await sent(body)) == content(file)
    assert body.length == len(content(file))


async def test_git_gets_the_same_in_json(file: Path) -> None:
    body = await bodies.blob(file)
    text = b"".join(await sent(body))
    assert body.length == len(text)
    told = json.loads(text)
    assert told["encoding"] == "base64"
    assert b64decode(told["content"], validate=True) == content(file)


async def test_no_piece_is_large(file: Path) -> None:
    for body in (await bodies.plain(file), await bodies.blob(file)):
        assert all(len(piece) <= 1024 * 1024 + 2 for piece in await sent(body))
