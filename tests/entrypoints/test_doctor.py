"""`gptimage doctor`: one line for each part, and what to do where something is wrong."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
import redis.asyncio

from bot.adapters.github.registration import Hook
from bot.adapters.valkey import embedded_valkey
from bot.entrypoints.doctor import github, images
from bot.entrypoints.doctor.findings import Finding
from bot.simulators.github import Fault
from tests.entrypoints.conftest import Place, ended_well, until

SECRET = "a secret that nobody guesses"


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor printed, by the part."""

    code: int
    lines: Mapping[str, str]

    def __getitem__(self, part: str) -> str:
        return self.lines[part]


async def examined(
    place: Place, env: Mapping[str, str | None] | None = None, *options: str
) -> Report:
    merged = {"GITHUB_WEBHOOK_SECRET": SECRET, **(env or {})}
    ended = await place.shell.run("gptimage", "doctor", *options, env=merged)
    assert "Traceback" not in ended.err
    rows = [re.match(r"(ok|warn|fail) +(.*?): (.*)", line) for line in ended.out.splitlines()]
    assert all(rows), ended
    return Report(ended.code, {row[2]: f"{row[1]} {row[3]}" for row in rows if row})


@asynccontextmanager
async def well(place: Place) -> AsyncIterator[None]:
    """A server at work, to which a comment was delivered."""
    async with place.serving() as _:
        assert place.github.webhooks.webhook
        url = place.github.webhooks.webhook.url.removesuffix("/webhook")
        place.shell.env["GPTIMAGE_PUBLIC_URL"] = f"{url}/"
        comment = await place.say("/batch --quality low\n\n- a fox")
        await until(lambda: ended_well(comment))
        await place.github.webhooks.settled()
        yield


async def test_of_a_server_that_is_well_nothing_fails(place: Place) -> None:
    async with well(place):
        report = await examined(place)

    assert report.code == 0
    assert report.lines == {
        "image API": "ok the key is accepted",
        "model": "ok gpt-image-2.5-flare",
        "GitHub App": f"ok gptimage signs in ({place.github.base_url}/apps/gptimage)",
        "permissions": "ok all that the bot needs",
        "events": "ok issue_comment",
        "clock": report["clock"],
        "webhook": report["webhook"],
        "deliveries": report["deliveries"],
        "installations": "ok acme",
        "GITHUB_WEBHOOK_SECRET": "ok set",
        "GPTIMAGE_ALLOWED_OWNERS": "ok acme",
        "public address": f"ok {place.shell.env['GPTIMAGE_PUBLIC_URL']}",
        "queue": "ok embedded, in GPTIMAGE_DATA_DIR; other machines cannot share it",
        "database": "ok answers, and its tables are up to date",
        "spool": report["spool"],
    }
    assert report["clock"].startswith("ok within ")
    assert re.fullmatch(r"ok the last \d+ arrived", report["deliveries"])
    assert report["webhook"].startswith("warn http://127.0.0.1")  # no TLS on loopback
    assert "GB free in" in report["spool"]


async def test_it_works_with_no_settings_at_all_and_changes_nothing(place: Place) -> None:
    names = [name for name in place.shell.env if name.startswith(("GITHUB", "OPENAI_API"))]

    report = await examined(
        place,
        {
            **dict.fromkeys(names),
            "GITHUB_WEBHOOK_SECRET": None,
            "GPTIMAGE_ALLOWED_OWNERS": None,
        },
    )

    assert report.code == 1
    assert report["image API"] == "fail OPENAI_API_KEY is required"
    assert report["GitHub App"].startswith("fail there are no credentials")
    assert report["GITHUB_WEBHOOK_SECRET"].startswith("fail ")
    assert report["GPTIMAGE_ALLOWED_OWNERS"].startswith("fail ")
    assert report["public address"].startswith("warn ")
    assert report["database"].startswith("ok not there yet")
    assert not (place.shell.home / "data" / "ledger.db").exists()


@pytest.mark.parametrize(
    ("env", "part", "said"),
    [
        ({"OPENAI_API_KEY": "sk-invalid"}, "image API", "fail the API key was not accepted: make"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "image API", "fail no connection"),
        ({"GPTIMAGE_MODEL": "gpt-image-9"}, "model", "fail gpt-image-9 is not served to this key"),
        ({"GITHUB_APP_ID": None}, "GitHub App", "fail there are no credentials"),
        ({"GITHUB_APP_ID": "5"}, "GitHub App", "fail GitHub does not accept the App's credentials"),
        ({"GITHUB_API_URL": "http://127.0.0.1:9"}, "GitHub App", "fail GitHub cannot be reached"),
        ({"GITHUB_WEBHOOK_SECRET": "short"}, "GITHUB_WEBHOOK_SECRET", "warn it can be guessed"),
        ({"GPTIMAGE_ALLOWED_OWNERS": "me"}, "installations", "warn nothing runs for acme"),
        (
            {"GPTIMAGE_PUBLIC_URL": "http://127.0.0.1:9"},
            "public address",
            "warn http://127.",
        ),
        ({"REDIS_URL": "redis://127.0.0.1:9"}, "queue", "fail the queue cannot be reached"),
        ({"REDIS_URL": "redis://redis.example"}, "queue", "fail REDIS_URL: a Redis on another"),
        ({"DATABASE_URL": "postgresql://u:pw@127.0.0.1:9/x"}, "database", "fail the ledger cannot"),
        ({"GPTIMAGE_DATA_DIR": "/proc/gptimage"}, "spool", "fail /proc/gptimage/spool cannot be"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    place: Place, env: dict[str, str | None], part: str, said: str
) -> None:
    report = await examined(place, env)

    assert report[part].startswith(said), report[part]
    assert report.code == int("fail" in {line[:4] for line in report.lines.values()})


async def test_permissions_and_events_that_the_app_lacks_are_named(place: Place) -> None:
    place.github.app = replace(
        place.github.app, permissions={"metadata": "read", "issues": "read"}, events=()
    )

    report = await examined(place)

    assert report.code == 1
    assert "contents: write, issues: write, pull_requests: write not asked" in report["permissions"]
    assert report["events"].startswith("fail subscribe")


async def test_without_the_contents_permission_only_releases_are_missing(place: Place) -> None:
    granted = dict(place.github.app.permissions) | {"contents": "read"}
    place.github.app = replace(place.github.app, permissions=granted)

    assert (await examined(place))["permissions"].startswith("warn contents: write is not")


async def test_deliveries_that_were_refused_point_to_the_secret(place: Place) -> None:
    async with place.serving():
        webhook = place.github.webhooks.webhook
        assert webhook
        place.github.webhooks.webhook = replace(webhook, secret="another")
        await place.say("/batch help")
        await place.github.webhooks.settled()
        refused = await examined(place)
        place.github.webhooks.webhook = webhook
        await place.say("/batch help")
        await place.github.webhooks.settled()
        mended = await examined(place)

    assert refused["deliveries"].startswith("fail the newest was refused: GITHUB_WEBHOOK_SECRET")
    assert re.match(r"warn \d of the last \d failed, but not the newest", mended["deliveries"])


async def test_a_fault_of_github_on_the_way_is_no_end(place: Place) -> None:
    place.github.faults.add(Fault(path="/app/hook/config", status=404))

    report = await examined(place)

    assert report["webhook"].startswith("warn GitHub does not know this")
    assert report["deliveries"].startswith("warn none yet")


async def test_a_redis_that_forgets_is_warned_of(place: Place, tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path / "queue") as url:
        client: redis.asyncio.Redis = redis.asyncio.from_url(url)  # type: ignore[no-untyped-call]
        async with client:
            good = await examined(place, {"REDIS_URL": url})
            await client.config_set("appendonly", "no")
            forgets = await examined(place, {"REDIS_URL": url})
            await client.config_set("maxmemory-policy", "allkeys-lru")
            evicts = await examined(place, {"REDIS_URL": url})

    assert good["queue"] == "ok answers, keeps a file and never evicts"
    assert forgets["queue"].startswith("warn set appendonly")
    assert evicts["queue"].startswith("warn set maxmemory-policy")


async def test_it_speaks_japanese(place: Place) -> None:
    report = await examined(place, {"GPTIMAGE_LANGUAGE": "ja", "OPENAI_API_KEY": None})

    assert report["image API"].startswith("fail OPENAI_API_KEY ")
    assert not report["image API"].isascii()


@pytest.mark.parametrize(
    ("hook", "health", "said"),
    [
        (Hook(url=None), "fail", "the App has none"),
        (Hook(url="https://bot.example/webhook"), "fail", "content type"),
        (Hook(url="https://other.example/webhook", content_type="json"), "fail", "not to https"),
        (
            Hook(url="https://bot.example/webhook", content_type="json", insecure_ssl="1"),
            "warn",
            "not protected by TLS",
        ),
        (Hook(url="https://bot.example/webhook", content_type="json"), "ok", "/webhook"),
    ],
)
def test_the_webhook_is_looked_at(hook: Hook, health: str, said: str) -> None:
    found = github.of_hook(hook, "https://bot.example/")

    assert found.health == health
    assert said in found.what


@pytest.mark.parametrize(
    ("today", "health"), [("2026-06-01", "ok"), ("2026-11-20", "warn"), ("2026-12-01", "fail")]
)
def test_a_model_that_ends_is_told_in_time(today: str, health: str) -> None:
    found: Finding = images.lasting("gpt-image-1.5", date.fromisoformat(today))

    assert found.health == health


# --- pictures in an issue ---------------------------------------------------------------------


async def test_a_probe_posts_a_picture_each_way_and_says_where(place: Place) -> None:
    report = await examined(place, {}, "--probe-images", "acme/posters#1")

    (comment,) = place.answers
    assert report["acme/posters#1"] == "ok posted a comment: look which pictures show in it"
    for way in ("a release", "a branch"):
        health, _, url = report[way].partition(" ")
        assert (health, url in comment) == ("ok", True)


@pytest.mark.parametrize(
    ("issue", "said"),
    [
        ("acme/posters", "fail write the issue as OWNER/REPO#N"),
        ("acme/other#1", "fail GitHub does not know this"),
        ("acme/posters#404", "fail GitHub does not know this"),
    ],
)
async def test_a_probe_that_cannot_be_says_why(place: Place, issue: str, said: str) -> None:
    report = await examined(place, {}, "--probe-images", issue)

    assert report[issue].startswith(said)
    assert (report.code, place.answers) == (1, [])
