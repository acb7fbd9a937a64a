"""A ledger that an earlier version has left with open runs: this one brings them to their end."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.adapters.ledger import schema
from bot.adapters.openai_images.provider import OpenAIImages
from bot.adapters.spool import LocalSpool
from bot.core.event import run_id
from bot.core.plan import ImageCall
from bot.core.run import Thread
from bot.simulators.github.threads import Comment
from tests.adapters.ledger.earlier import FOLDER, insert, made
from tests.crash import judge, ledger
from tests.crash.driver import World, serving, until, world
from tests.crash.nursery import the_nursery
from tests.crash.postgres import fresh_database, postgres_server
from tests.crash.walk import quiet

EARLIER = sorted(
    each.revision
    for each in ScriptDirectory(FOLDER).walk_revisions()
    if each.revision != schema.HEAD
)
CASES = [(each, database) for database in ("SQLite", "PostgreSQL") for each in EARLIER]
MODEL = "gpt-image-2.5-flare"
AMOUNT = 20_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as found:
        yield found


# --- what an earlier version wrote ------------------------------------------------------------


def micros(when: datetime) -> int:
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


async def open_run(connection: AsyncConnection, outside: World, prompt: str, state: str) -> str:
    """A run of one image, in columns that every revision has; the comment is not answered yet."""
    outside.github.webhooks.webhook = None  # the earlier version has taken the delivery
    comment = await outside.say(f"/batch --quality low --size 1024x1024\n\n- {prompt}\n")
    thread = thread_of(outside, comment)
    run, at = run_id(thread), micros(datetime.now(UTC))
    maya = outside.github.people.find("maya")
    assert maya
    call = {"prompt": prompt, "size": "1024x1024", "quality": "low"}
    item = {"id": f"{prompt[2:5]}item", "index": 0, "job": 0, "sample": 0, "path": f"{run}.png"}
    item |= {"asset_name": f"{run}.png"}
    await insert(
        connection,
        "runs",
        id=run,
        state=state,
        batch=json.dumps({"jobs": [call]}),
        created_at=at,
        thread=json.dumps(asdict(thread)),
        author=json.dumps({"id": maya.id, "login": "maya"}),
        warnings="[]",
        note="",
        expected=AMOUNT,
        upper_bound=AMOUNT,
        started_at=None if state == "queued" else at,
    )
    await insert(
        connection,
        "items",
        run_id=run,
        item=0,
        wanted=json.dumps(item | {"call": call | {"model": MODEL, "operation": "generate"}}),
        order=1,
        cancelled=False,
    )
    scope = {"scope": f"run:{run}", "window": "always"}
    await insert(connection, "budgets", **scope, committed=AMOUNT)
    await insert(connection, "reservations", run_id=run, **scope, held=AMOUNT)
    return run


def thread_of(outside: World, comment: Comment) -> Thread:
    repository = outside.github.repository
    return Thread(
        outside.github.app.installation_id,
        repository.id,
        repository.full_name,
        private=repository.private,
        issue=1,
        comment=comment.id,
    )


async def attempt(connection: AsyncConnection, run: str, **values: object) -> None:
    at = micros(datetime.now(UTC))
    row = {"run_id": run, "item": 0, "number": 1, "order": 1, "started_at": at, "amount": AMOUNT}
    await insert(connection, "attempts", **row, message="", **values)


async def called(outside: World, prompt: str, key: str) -> int:
    """Call as the earlier version did and keep the answer under the key; gives what it cost."""
    spool = LocalSpool(outside.data_dir / "data" / "spool")
    address = outside.environment["OPENAI_BASE_URL"]
    provider = OpenAIImages(SecretStr("simulated"), base_url=address, spool=spool)
    await provider.create(ImageCall(MODEL, prompt, size="1024x1024", quality="low"), key)
    await provider.aclose()
    return judge.bill(outside.images.billed[-1:])


async def leave_open_runs(outside: World, revision: str) -> None:
    """Make the ledger of that revision, with a run at each place where a process may be gone."""
    (outside.data_dir / "data").mkdir()
    engine = create_async_engine(outside.database)
    async with engine.begin() as connection:
        await connection.run_sync(made, revision)
        await open_run(connection, outside, "a queued fox", "queued")
        run = await open_run(connection, outside, "a doubtful owl", "running")
        await attempt(connection, run, state="started")
        await called(outside, "a doubtful owl", "lost/answer-1")
        run = await open_run(connection, outside, "a finished cat", "running")
        cost = await called(outside, "a finished cat", f"{run}/finitem-1")
        at = micros(datetime.now(UTC))
        await attempt(connection, run, state="succeeded", settled_at=at, cost=cost)
    await engine.dispose()


# --- and what becomes of it -------------------------------------------------------------------


@pytest.mark.parametrize(("revision", "database"), CASES)
async def test_open_runs_of_an_earlier_version_end_well(
    revision: str,
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(world(tmp_path, the_nursery()))
        if database == "PostgreSQL":
            fresh = fresh_database(request.getfixturevalue("server"))
            outside.environment["DATABASE_URL"] = await stack.enter_async_context(fresh)
        await leave_open_runs(outside, revision)
        async with serving(outside) as process:
            await until(lambda: all(map(outside.ended, people(outside))) or process.returncode)
            await quiet(outside)
        told = {name: answer_about(outside, name) for name in ("fox", "owl", "cat")}
        books = await ledger.read(outside)

    assert process.returncode == 0, outside.log
    assert outside.calls == {"a queued fox": 1, "a doubtful owl": 1, "a finished cat": 1}
    assert {books.prompts[item]: states for item, states in books.states.items()} == {
        "a queued fox": {"succeeded"},
        "a doubtful owl": {"in_doubt"},
        "a finished cat": {"succeeded"},
    }
    assert len(outside.answers) == 3
    assert ["<img" in words for words in told.values()] == [True, False, True]
    assert ["in doubt" in top(words) for words in told.values()] == [False, True, False]
    assert "$0.02" in top(told["owl"])


def people(outside: World) -> list[Comment]:
    return [comment for comment in outside.comments if not comment.by_app]


def answer_about(outside: World, name: str) -> str:
    (found,) = [each.body for each in outside.answers if name in each.body]
    return found


def top(words: str) -> str:
    """What stands above the bill."""
    return words.partition("| Estimated")[0]


@pytest.mark.parametrize("arguments", [["serve"], ["worker"]])
async def test_a_server_does_not_start_on_the_ledger_of_a_newer_one(
    arguments: list[str], tmp_path: Path
) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        async with serving(outside):
            pass
        engine = create_async_engine(outside.database)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await engine.dispose()
        process, log = await outside.start(*arguments)
        code = await asyncio.wait_for(process.wait(), 60)

    said = log.read_text()
    assert code == 2
    assert "a newer gptimage made this ledger" in said
    assert "Traceback" not in said
