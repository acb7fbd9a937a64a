"""The log: one JSON object in a line, with the ids that it is about and without prompts."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from bot.simulators.github import Fault
from tests.entrypoints.conftest import Place, ended_well, until

PROMPT = "a red fox that nobody else needs to know of"
LOOK = """
from bot.engine.context import bind
from bot.entrypoints import logs, redaction
import asyncio, logging

redaction.learn(["the-canary-in-this-log"])
logs.to_stderr(debug=False)

async def work(name):
    bind(run=name)
    await asyncio.sleep(0)
    logging.getLogger("sqlalchemy.pool").warning("the-canary-in-this-log and %s", name)

async def both():
    await asyncio.gather(work("one"), work("two"))

asyncio.run(both())
raise RuntimeError("at the end: the-canary-in-this-log")
"""


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_lines_of_every_library_and_the_last_words_go_the_same_way() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=False
    )

    one, two, last = lines(ended.stderr)

    assert ended.returncode == 1
    assert (one["event"], one["run"]) == ("[secret] and one", "one")
    assert (two["event"], two["run"]) == ("[secret] and two", "two")
    assert (one["logger"], one["level"]) == ("sqlalchemy.pool", "warning")
    assert last["level"] == "critical"
    assert last["exception"].endswith("RuntimeError: at the end: [secret]")
    assert "run" not in last


async def test_a_delivery_can_be_followed_by_its_ids_and_no_line_holds_the_prompt(
    place: Place,
) -> None:
    place.github.faults.add(Fault(method="PATCH", path="/comments", status=403))
    async with place.serving() as server:
        comment = await place.say(f"/batch --quality low\n\n- {PROMPT}")
        await until(lambda: ended_well(comment))
        server.send(signal.SIGTERM)
        ended = await server.ended()

    told = lines(ended.err)
    assert PROMPT not in ended.err
    accepted, answered = (
        next(line for line in told if line["event"] == f"the delivery is {what}")
        for what in ("accepted", "stored as a run")
    )
    done = next(line for line in told if line["event"] == "the run is done")
    assert accepted["delivery"] == answered["delivery"]
    assert accepted["guid"]
    assert answered["run"] == done["run"]
    for line in (accepted, answered, done):
        assert line["repository"] == place.github.repository.full_name
        assert line["installation"] == place.github.app.installation_id
    assert done["items"] == {"succeeded": 1}
    (never,) = [line for line in told if line["level"] == "warning"]
    assert never["effect"].startswith("comment-")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there is no terminal to pretend")
def test_in_a_terminal_it_is_for_people() -> None:
    ours, theirs = os.openpty()
    look = (
        "import logging; from bot.entrypoints import logs\n"
        "logs.to_stderr(debug=True); logging.getLogger('bot').debug('here I am')"
    )
    subprocess.run([sys.executable, "-c", look], stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)

    assert "here I am" in said
    assert not said.startswith("{")
