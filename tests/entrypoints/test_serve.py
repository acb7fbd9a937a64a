"""`gptimage serve` and `gptimage worker`: what they refuse to start with, and how they stop."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from bot.adapters.valkey import embedded_valkey
from bot.entrypoints.loopback import HOST, bind
from bot.simulators.images import ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Place, Running, ended_well, until

TWO = "/batch --quality low --max-concurrent 1\n\n- a red fox\n- an owl"


# --- at work ----------------------------------------------------------------------------------


async def test_a_server_and_a_worker_beside_it_share_the_work(
    place: Place, images: ImagesSimulator, tmp_path: Path
) -> None:
    place.shell.env["LANG"] = "C.UTF-8"  # the installed script, in interpreters of their own
    async with (
        embedded_valkey(tmp_path / "queue") as place.shell.env["REDIS_URL"],
        place.serving("--no-worker") as server,
        place.shell.start("gptimage", "worker", "--port", "0") as worker,
    ):
        ready, numbers = re.findall(
            r"http://\S+?/(?:readyz|metrics)", await worker.hears("/readyz")
        )
        await worker.hears("gptimage worker is ready")
        comment = await place.say(TWO)
        await until(lambda: ended_well(comment))
        async with httpx.AsyncClient() as browser:
            parts = (await browser.get(ready)).json()["parts"]
            told = (await browser.get(numbers)).text
        ends = [await stopped(server), await stopped(worker)]

    assert [end.code for end in ends] == [0, 0]
    assert parts == {"database": "ok", "queue": "ok", "spool": "ok", "images": "ok"}
    assert 'gptimage_items{state="succeeded"} 2.0' in told
    assert "gptimage_github_remaining 4" in told  # of 5,000
    assert len(images.calls) == 2
    (answer,) = place.answers
    assert "✅ 2 images" in answer


async def test_a_web_part_needs_no_key_for_images(place: Place) -> None:
    del place.shell.env["OPENAI_API_KEY"]

    async with place.serving("--no-worker") as server:
        ended = await stopped(server)

    assert ended.code == 0


async def test_a_call_under_way_is_awaited_and_recorded_when_the_server_is_told_to_stop(
    place: Place, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=1500)
    async with place.serving() as server:
        comment = await place.say(TWO)
        await until(lambda: images.billed)
        ended = await stopped(server)

    assert ended.code == 0
    assert "calls in flight are awaited" in ended.err
    assert [call.outcome for call in images.calls] == ["answered"]

    async with place.serving() as server:
        await until(lambda: ended_well(comment))
        await stopped(server)
    assert [call.outcome for call in images.calls] == ["answered", "answered"]
    assert len(place.answers) == 1


async def stopped(process: Running) -> Ended:
    process.send(signal.SIGTERM)
    return await process.ended()


# --- refused ----------------------------------------------------------------------------------

REQUIRED = (
    "OPENAI_API_KEY",
    "GITHUB_APP_ID",
    "GITHUB_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
    "GPTIMAGE_ALLOWED_OWNERS",
)


async def test_all_missing_settings_are_named_each_with_the_place_to_get_it(place: Place) -> None:
    missing = [name for name in REQUIRED if name != "GITHUB_WEBHOOK_SECRET"]  # without any: /setup

    said = await place.refused(dict.fromkeys(missing))

    assert len(said) == len(missing)
    for name in missing:
        (line,) = [line for line in said if name in line]
        assert re.search(r"required: .{20}", line), line


@pytest.mark.parametrize("name", REQUIRED)
async def test_a_missing_setting_is_named(place: Place, name: str) -> None:
    (line,) = await place.refused({name: None})

    assert name in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_WEBHOOK_SECRET", ""),
        ("GITHUB_WEBHOOK_SECRET", "  "),
        ("GITHUB_WEBHOOK_SECRET_PREVIOUS", "  "),
        ("GITHUB_APP_ID", "my app"),
        ("GITHUB_PRIVATE_KEY", "no key at all"),
        ("GITHUB_API_URL", "github"),
        ("OPENAI_BASE_URL", "openai"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://redis.example:6379"),
        ("DATABASE_URL", "mysql://localhost"),
        ("GPTIMAGE_HOST", "no.such.host.invalid"),
        ("GPTIMAGE_KILL_POINT", "nonsense"),
        ("GPTIMAGE_LANGUAGE", "fr"),
        ("GPTIMAGE_MAX_COST_PER_RUN", "NaN"),
        ("GPTIMAGE_MAX_COST_PER_DAY", "-1"),
        ("GPTIMAGE_MAX_JOBS", "0"),
    ],
)
async def test_a_wrong_setting_is_named(place: Place, name: str, value: str) -> None:
    (line,) = await place.refused({name: value})

    assert name in line


async def test_a_private_key_that_cannot_be_read_is_named(place: Place) -> None:
    said = await place.refused(
        {"GITHUB_PRIVATE_KEY": None, "GITHUB_PRIVATE_KEY_PATH": "missing.pem"}
    )

    assert said == [
        "Error: GITHUB_PRIVATE_KEY_PATH: missing.pem: cannot be read (No such file or directory)"
    ]


async def test_a_file_that_is_no_private_key_is_named(place: Place) -> None:
    (place.shell.home / "key.pem").write_bytes(b"\xff\xfe")

    (line,) = await place.refused(
        {"GITHUB_PRIVATE_KEY": None, "GITHUB_PRIVATE_KEY_PATH": "key.pem"}
    )

    assert line.startswith("Error: GITHUB_PRIVATE_KEY_PATH: this is not a private key")


async def test_a_port_that_is_taken_is_named(place: Place) -> None:
    with bind(HOST, 0) as taken:
        port = str(taken.getsockname()[1])
        ended = await place.shell.run("gptimage", "serve", "--port", port)

    assert ended.code == 2
    (line,) = ended.complaint
    assert f"{HOST}:{port}" in line
    assert "--port" in line


async def test_a_folder_that_another_server_uses_is_named(place: Place) -> None:
    async with place.serving():
        (line,) = await place.refused()

    assert line.startswith("Error: GPTIMAGE_DATA_DIR: another server uses")


@pytest.mark.parametrize("folder", ["taken/data", "/proc/gptimage"])
async def test_a_folder_that_cannot_be_written_is_named(place: Place, folder: str) -> None:
    place.shell.file("taken", "a file is no folder")

    (line,) = await place.refused({"GPTIMAGE_DATA_DIR": folder})

    assert line.startswith("Error: GPTIMAGE_DATA_DIR: ")
