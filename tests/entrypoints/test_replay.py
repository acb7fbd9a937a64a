"""`gptimage replay`: what GitHub sent once is sent again, and is done once."""

import json

import pytest

from bot.simulators.images import ImagesSimulator
from tests.entrypoints.conftest import Place, ended_well, until

FOX = "/batch --quality low\n\n- a fox"


async def test_a_saved_delivery_is_taken_and_its_comment_runs_once(
    place: Place, images: ImagesSimulator
) -> None:
    async with place.serving():
        webhook = place.github.webhooks.webhook
        assert webhook
        comment = await place.say(FOX)
        await until(lambda: ended_well(comment))
        delivery = place.github.webhooks.deliveries[0]
        plain = place.shell.file("payload.json", delivery.body.decode())
        details = place.shell.file("delivery.json", json.dumps(delivery.details()))
        again = [
            await place.shell.run("gptimage", "replay", file, "--url", webhook.url)
            for file in (plain, details)
        ]
        other = await place.shell.run(
            "gptimage", "replay", plain, "--url", webhook.url, "--event", "push"
        )
        wrong = await place.shell.run(
            *("gptimage", "replay", plain, "--url", webhook.url),
            env={"GITHUB_WEBHOOK_SECRET": "another"},
        )

    for ended in again:
        assert ended.code == 0
        assert ended.out.startswith('202 {"status":"accepted"')
    assert (other.code, other.out) == (0, '202 {"status":"ignored"}\n')
    assert wrong.code == 1
    assert wrong.out.startswith("401 ")
    assert len(images.calls) == 1


@pytest.mark.parametrize(
    ("file", "env", "code", "said"),
    [
        ("missing.json", {}, 2, "Error: missing.json: cannot be read"),
        ("odd.json", {}, 2, "Error: odd.json: this is not JSON"),
        ("latin.json", {}, 2, "Error: latin.json: not UTF-8 text"),
        ("good.json", {"GITHUB_WEBHOOK_SECRET": None}, 2, "Error: GITHUB_WEBHOOK_SECRET is"),
        ("good.json", {"GPTIMAGE_PORT": "9"}, 1, "Error: http://127.0.0.1:9/webhook does not"),
    ],
)
async def test_what_is_wrong_is_said(
    place: Place, file: str, env: dict[str, str | None], code: int, said: str
) -> None:
    place.shell.file("odd.json", "{")
    place.shell.file("good.json", "{}")
    (place.shell.home / "latin.json").write_bytes(b"\xff")

    ended = await place.shell.run("gptimage", "replay", file, env=env)

    assert ended.code == code
    assert ended.complaint[0].startswith(said)
