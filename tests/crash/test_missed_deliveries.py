"""A comment that GitHub could not deliver runs once after the start, whatever dies on the way."""

from pathlib import Path

import pytest

from bot.core.killpoints import Point
from bot.entrypoints import loopback
from bot.simulators.github import Webhook
from tests.crash.driver import KILLED, SECRET, serving, until, world
from tests.crash.nursery import the_nursery

COMMAND = "/batch --quality low --size 1024x1024\n\n- a red fox"


@pytest.mark.parametrize("point", ["", Point.MISSED_RECORDED, Point.REDELIVERY_ASKED])
async def test_a_command_that_nobody_heard_runs_once_after_the_start(
    point: str, tmp_path: Path
) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        with loopback.bind(loopback.HOST, 0) as found:
            port = found.getsockname()[1]
        outside.environment["GPTIMAGE_PORT"] = str(port)
        webhooks = outside.github.webhooks
        webhooks.webhook = address = Webhook(f"http://{loopback.HOST}:{port}/webhook", SECRET)
        command = await outside.say(COMMAND)
        await webhooks.settled()
        assert [each.status for each in webhooks.deliveries] != ["OK"]

        if point:
            async with serving(outside, f"{point}:1") as first:
                await until(lambda: first.returncode is not None)
                assert first.returncode == KILLED
            webhooks.webhook = address
        async with serving(outside):
            await until(lambda: outside.ended(command))

        assert set(outside.calls.values()) == {1}
        assert len(outside.answers) == 1
