"""`/setup`: from no credentials to a bot that answers, in a few clicks and without a restart."""

import html
import json
import re
import signal
import stat

import httpx
import pytest

from bot.entrypoints.loopback import HOST, bind
from bot.simulators.github import Fault
from tests.entrypoints.conftest import Place, Running, ended_well, until
from tests.entrypoints.test_secrets import everything, found

FOX = "/batch --quality low\n\n- a fox"


@pytest.fixture
def bare(place: Place) -> Place:
    """Nobody has made an App yet; the port is known before, as behind a proxy."""
    for name in ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET"):
        del place.shell.env[name]
    del place.shell.env["GPTIMAGE_ALLOWED_OWNERS"]
    with bind(HOST, 0) as sock:
        port = sock.getsockname()[1]
    place.shell.env |= {
        "GPTIMAGE_PORT": str(port),
        "GPTIMAGE_PUBLIC_URL": f"http://{HOST}:{port}/",
    }
    return place


async def address(server: Running) -> str:
    """Where the log says that the person should begin."""
    found = re.search(r'open (\S+?)"', await server.hears("/setup?token="))
    assert found
    return found[1]


def form(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what it brings along."""
    action = re.search(r'<form action="([^"]*)"', page)
    assert action, page
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


async def agree(browser: httpx.AsyncClient, start: str, organization: str = "") -> httpx.Response:
    """What a person clicks, up to the button on GitHub's page; the answer leads back."""
    action, fields = form((await browser.get(start)).raise_for_status().text)
    second = await browser.get(
        httpx.URL(start).join(action), params={**fields, "organization": organization}
    )
    action, fields = form(second.raise_for_status().text)
    return await browser.post(action, data=fields)


async def test_a_few_clicks_make_an_app_and_the_server_goes_on_with_it(bare: Place) -> None:
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        start = await address(server)
        agreed = await agree(browser, start, "acme")
        done = await browser.get(agreed.headers["location"])
        await server.hears("gptimage listens on ")
        comment = await bare.say(FOX)
        await until(lambda: ended_well(comment))
        gone = await browser.get(start)
        server.send(signal.SIGTERM)
        ended = await server.ended()

    assert ended.code == 0
    assert done.status_code == 200
    assert f"{bare.github.base_url}/apps/gptimage/installations/new" in done.text
    assert gone.status_code == 404
    kept = bare.shell.home / "data" / "github-app.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["owner"] == "acme"
    webhook = bare.github.webhooks.webhook
    assert webhook
    # What GitHub has made is a secret, too: it stands in that file, and nowhere else.
    made = {
        "the webhook secret": webhook.secret,
        "the private key": bare.github.private_key.splitlines()[9],
        "the beginning of a key": "PRIVATE KEY",
        **{f"token {n}": token for n, token in enumerate(bare.github.tokens._issued, 1)},
    }
    said = everything(bare, ended.out, ended.err, done.text)
    assert {each.partition(" in ")[0] for each in found(made, {"it": said.pop(str(kept))})} == {
        "the webhook secret",
        "the private key",
        "the beginning of a key",
    }
    assert list(found(made, said)) == []
    assert any(name.endswith("ledger.db") for name in said)
    assert any("valkey" in name for name in said)


async def test_the_manifest_asks_for_a_private_app_and_the_least(bare: Place) -> None:
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        start = await address(server)
        action, fields = form((await browser.get(start)).text)
        own = await browser.get(httpx.URL(start).join(action), params=fields)
        theirs = await browser.get(
            httpx.URL(start).join(action), params={**fields, "organization": "a<b>/c"}
        )

    page, sent = form(own.text)
    manifest = json.loads(sent["manifest"])
    url = bare.shell.env["GPTIMAGE_PUBLIC_URL"].rstrip("/")
    assert page.startswith(f"{bare.github.base_url}/settings/apps/new?state=")
    assert form(theirs.text)[0].startswith(
        f"{bare.github.base_url}/organizations/a%3Cb%3E%2Fc/settings/apps/new?state="
    )
    assert "<b>" not in theirs.text
    assert manifest["public"] is False
    assert manifest["hook_attributes"] == {"url": f"{url}/webhook", "active": True}
    assert manifest["redirect_url"] == f"{url}/setup/created"
    assert manifest["default_events"] == ["issue_comment"]
    assert manifest["default_permissions"] == {
        "contents": "write",
        "issues": "write",
        "metadata": "read",
        "pull_requests": "write",
    }
    assert len(manifest["name"]) <= 34


async def test_the_pages_speak_the_language_of_the_browser(bare: Place) -> None:
    async with (
        bare.shell.start("gptimage", "serve") as server,
        httpx.AsyncClient(headers={"Accept-Language": "ja,en;q=0.8"}) as browser,
    ):
        start = await address(server)
        begin = await browser.get(start)
        bare.github.faults.add(Fault(path="/conversions$", status=500))
        failed = await browser.get((await agree(browser, start)).headers["location"])
        done = await browser.get((await agree(browser, start)).headers["location"])
        closed = await browser.get(httpx.URL(start).join("/setup/app"))

    assert '<html lang="ja">' in begin.text
    for page, words in (
        (begin, "非公開"),
        (failed, "削除"),
        (done, "できました"),
        (closed, "ログ"),
    ):
        assert words in page.text


async def test_nobody_gets_in_without_the_token_or_finishes_what_did_not_begin(
    bare: Place,
) -> None:
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        start = httpx.URL(await address(server))
        wrong = [
            await browser.get(start.copy_with(query=query))
            for query in (b"", b"token=", b"token=x", b"token=%C3%A9")
        ]
        wrong.append(await browser.get(start.join("/setup/app")))
        wrong.append(await browser.get(start.join("/setup/created?code=x&state=")))
        agreed = await agree(browser, str(start))
        back = agreed.headers["location"]
        forged = await browser.get(re.sub("state=.*", "state=forged", back))
        ready = await browser.get(start.join("/readyz"))
        health = await browser.get(start.join("/healthz"))
        early = await browser.post(start.join("/webhook"), content=b"{}")

    assert {page.status_code for page in [*wrong, forged]} == {403}
    assert not any("<form" in page.text for page in wrong)
    assert (ready.status_code, health.status_code) == (503, 200)
    assert "/setup link" in ready.json()["parts"]["github"]
    assert (early.status_code, early.headers["retry-after"]) == (503, "60")
    assert not (bare.shell.home / "data" / "github-app.json").exists()


async def test_what_github_refuses_is_said_and_can_be_tried_again(bare: Place) -> None:
    bare.github.faults.add(Fault(method="POST", path="/conversions", status=500))
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        start = await address(server)
        first = await browser.get((await agree(browser, start)).headers["location"])
        second = await browser.get((await agree(browser, start)).headers["location"])

    assert first.status_code == 502
    assert "GitHub has a fault of its own" in first.text
    assert second.status_code == 200


async def test_without_a_public_address_it_says_how_to_get_one(bare: Place) -> None:
    del bare.shell.env["GPTIMAGE_PUBLIC_URL"]
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        page = await browser.get(await address(server))

    assert page.status_code == 409
    assert "GPTIMAGE_PUBLIC_URL" in page.text
    assert "tunnel" in page.text


async def test_a_server_that_is_not_set_up_stops_when_it_is_told(bare: Place) -> None:
    async with bare.shell.start("gptimage", "serve") as server:
        await address(server)
        server.send(signal.SIGTERM)
        ended = await server.ended()

    assert ended.code == 0


async def test_other_processes_on_the_same_folder_pick_the_credentials_up(bare: Place) -> None:
    refused = await bare.shell.run("gptimage", "worker")
    async with bare.shell.start("gptimage", "serve") as server, httpx.AsyncClient() as browser:
        agreed = await agree(browser, await address(server))
        await browser.get(agreed.headers["location"])
        await server.hears("gptimage listens on ")
        server.send(signal.SIGTERM)
        await server.ended()
    async with bare.shell.start("gptimage", "worker") as worker:
        await worker.hears("gptimage worker is ready")
        worker.send(signal.SIGTERM)
        worked = await worker.ended()
    doctor = await bare.shell.run("gptimage", "doctor")

    assert refused.code == 2
    assert "GITHUB_APP_ID" in refused.err
    assert worked.code == 0
    assert "ok   GitHub App: gptimage signs in" in doctor.out


@pytest.mark.parametrize("left", ["GITHUB_APP_ID", "GITHUB_WEBHOOK_SECRET"])
async def test_half_of_the_settings_is_a_mistake_and_no_wish_for_a_new_app(
    bare: Place, left: str
) -> None:
    bare.shell.env[left] = "4242"

    ended = await bare.shell.run("gptimage", "serve")

    assert ended.code == 2
    assert "GITHUB_PRIVATE_KEY" in ended.err


async def test_without_a_key_for_images_it_does_not_begin(bare: Place) -> None:
    ended = await bare.shell.run("gptimage", "serve", env={"OPENAI_API_KEY": None})

    assert ended.code == 2
    assert "OPENAI_API_KEY is required" in ended.err


@pytest.mark.parametrize("text", ["{}", "not json"])
async def test_a_file_that_holds_no_credentials_is_named(bare: Place, text: str) -> None:
    folder = bare.shell.home / "data"
    folder.mkdir()
    (folder / "github-app.json").write_text(text)

    ended = await bare.shell.run("gptimage", "serve")

    assert ended.code == 2
    assert "github-app.json: these are no credentials" in ended.err


async def test_a_folder_that_cannot_keep_them_is_named_before_anything_is_made(
    bare: Place,
) -> None:
    ended = await bare.shell.run("gptimage", "serve", env={"GPTIMAGE_DATA_DIR": "/proc/gptimage"})

    assert ended.code == 2
    assert "GPTIMAGE_DATA_DIR: /proc/gptimage cannot be written" in ended.err
