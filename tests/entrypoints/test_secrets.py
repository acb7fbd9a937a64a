"""No secret leaves: each is a canary, and after the stories all that was said is searched."""

import base64
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import redis.asyncio

from bot.adapters.valkey import embedded_valkey
from bot.simulators.github import Fault
from bot.simulators.github.threads import Comment
from bot.simulators.images import ImagesSimulator
from bot.simulators.images.faults import Fault as ImageFault
from bot.simulators.images.faults import FaultKind
from tests.entrypoints.conftest import SECRET, Place, Running, ended_well, until

# The simulated API says so of a key that begins like this, and quotes its ends.
WRONG_KEY = "sk-invalid-canary-0f1e2d3c4b5a"
KEY = "sk-canary-of-the-image-api-5150"
PREVIOUS = "canary/of the+previous=secret"
REDIS = "canary-of-the-queue"
DATABASE = "canary:of@the-database"
TWO = "/batch --quality low\n\n- a red fox\n- an owl"


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a Redis that asks for a password."""
    async with embedded_valkey(tmp_path / "queue") as url:
        await set_password(url, REDIS)
        yield f"{url}?password={REDIS}"


async def set_password(url: str, password: str) -> None:
    """From now on it asks for another one, and everybody has to come again."""
    client: redis.asyncio.Redis = redis.asyncio.from_url(url)  # type: ignore[no-untyped-call]
    async with client:
        await client.config_set("requirepass", password)
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]


def reactions(comment: Comment) -> set[str]:
    return {reaction.content for reaction in comment.reactions}


def canaries(place: Place) -> dict[str, str]:
    """Every secret by its name; of the private key, a line in its middle."""
    tokens = place.github.tokens._issued
    return {
        "the API key": KEY,
        "the wrong API key": WRONG_KEY,
        "its beginning": WRONG_KEY[:14],
        "the webhook secret": SECRET,
        "the previous webhook secret": PREVIOUS,
        "the private key": place.github.private_key.splitlines()[9],
        "the queue's password": REDIS,
        "the database's password": DATABASE,
        **{f"token {number}": token for number, token in enumerate(tokens, 1)},
    }


def found(secrets: dict[str, str], said: dict[str, str]) -> Iterator[str]:
    """Where a secret can be read, in any of the ways in which texts carry one."""
    for name, secret in secrets.items():
        encoded = base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]
        ways = (secret, quote(secret, safe=""), encoded)
        for where, text in said.items():
            if any(way in text for way in ways):
                yield f"{name} in {where}"


def everything(place: Place, *outputs: str) -> dict[str, str]:
    """All that was said and kept: outputs, comments, releases, and each file of the machine."""
    comments = {
        f"comment {comment.id}": comment.body
        for comment in place.github.threads.issues[1].comments.values()
        if comment.by_app
    }
    releases = {
        f"{release.tag}": repr(release.as_json())
        + "".join(asset.data.decode("latin-1") for asset in release.assets.values())
        for release in place.github.releases.entries.values()
    }
    files = {
        str(file): file.read_text("latin-1")
        for file in place.shell.home.rglob("*")
        if file.is_file()
    }
    said = {f"output {number}": text for number, text in enumerate(outputs, 1)}
    return said | comments | releases | files


@asynccontextmanager
async def canary_server(place: Place, queue: str, key: str = KEY) -> AsyncIterator[Running]:
    place.shell.env |= {
        "OPENAI_API_KEY": key,
        "GITHUB_WEBHOOK_SECRET_PREVIOUS": PREVIOUS,
        "REDIS_URL": queue,
        "DEBUG": "true",
    }
    async with place.serving() as server:
        yield server


async def stopped(server: Running) -> str:
    server.send(signal.SIGTERM)
    ended = await server.ended()
    assert ended.code == 0
    return ended.out + ended.err


async def test_no_secret_is_in_what_is_said_or_kept_however_much_goes_wrong(
    place: Place, images: ImagesSimulator, queue: str
) -> None:
    images.faults.extend([ImageFault(FaultKind.INVALID_KEY), ImageFault(FaultKind.STRING_ERROR)])
    place.github.faults.add(
        Fault(method="POST", path="/comments", status=502),
        Fault(method="POST", path="/access_tokens", status=401),
        Fault(method="PATCH", path="/comments", status=401),
    )
    async with canary_server(place, queue) as server:
        for _ in range(3):  # no token, a refused key, and one image lost on its way
            comment = await place.say(TWO)
            await until(lambda: {"rocket", "confused"} & reactions(comment))  # noqa: B023
        assert ended_well(comment)
        good = await stopped(server)
    async with canary_server(place, queue, WRONG_KEY) as server:
        comment = await place.say(TWO)
        await until(lambda: "confused" in reactions(comment))
        await set_password(queue, "another")
        await server.hears("the queue is away")
        bad = await stopped(server)

    secrets, said = canaries(place), everything(place, good, bad)
    assert any(name.startswith("token") for name in secrets)
    assert list(found(secrets, said)) == []
    assert {"output 1", "output 2"} <= set(said)


async def test_what_a_person_writes_who_knows_a_secret_is_not_repeated(
    place: Place, images: ImagesSimulator, queue: str
) -> None:
    async with canary_server(place, queue) as server:
        comment = await place.say(f"/batch --quality low\n\n- {KEY} and {SECRET} and {REDIS}")
        await until(lambda: ended_well(comment))
        said = await stopped(server)

    (answer,) = place.answers
    outside = {"the answer": answer, "the log": said}
    assert list(found(canaries(place), outside)) == []
    assert "[secret]" in answer
    assert KEY in repr([call.sent for call in images.calls])  # the order itself is not changed


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)])
async def test_a_server_that_cannot_start_names_no_password(
    place: Place, command: tuple[str, ...]
) -> None:
    place.shell.env["DATABASE_URL"] = f"postgresql://bot:{quote(DATABASE)}@127.0.0.1:9/images"

    ended = await place.shell.run("gptimage", *command)

    assert ended.code == 1
    assert list(found(canaries(place), {"its words": ended.out + ended.err})) == []


async def test_nor_do_the_pages_of_a_server_say_one(place: Place, queue: str) -> None:
    async with canary_server(place, queue) as server, httpx.AsyncClient() as browser:
        assert place.github.webhooks.webhook
        url = place.github.webhooks.webhook.url.removesuffix("/webhook")
        pages = [
            await browser.get(f"{url}{path}")
            for path in ("/", "/healthz", "/readyz", "/metrics", "/setup", "/nowhere")
        ]
        pages.append(await browser.post(f"{url}/webhook", content=b"{}"))
        await stopped(server)

    said = {str(page.url): page.text + repr(page.headers) for page in pages}
    assert list(found(canaries(place), said)) == []


async def test_the_search_finds_a_canary_wherever_it_is(place: Place) -> None:
    place.shell.file("plain", f"x{KEY}y")
    place.shell.file("encoded", base64.b64encode(PREVIOUS.encode()).decode())
    place.shell.file("address", quote(PREVIOUS, safe=""))

    places = list(found(canaries(place), everything(place, SECRET)))

    assert [each.partition(" in ")[0] for each in places] == [
        "the API key",
        "the webhook secret",
        "the previous webhook secret",
        "the previous webhook secret",
    ]
