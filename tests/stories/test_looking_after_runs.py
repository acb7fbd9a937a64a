"""Stories: an estimate that is run, and a run that is looked after from the thread."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from inline_snapshot import snapshot

from bot.entrypoints.sandbox import sandbox
from bot.simulators.images import Fault, FaultKind, Settings
from tests.aging import move_back
from tests.stories.conftest import Thread, with_settings

FOXES = "--quality low --size 1024x1024 --max-concurrent 1\n\n- a red fox\n- an owl\n"


def line(thread: Thread, pattern: str) -> str:
    """The line to copy from the newest answer that has one."""
    found = [re.search(pattern, answer) for answer in thread.answers()]
    return [match[0] for match in found if match][-1]


async def test_a_colleague_runs_what_was_estimated(thread: Thread) -> None:
    await thread.say("/estimate batches/foxes.yaml")
    command = await thread.say(line(thread, "/batch run [a-z2-7]{10}"), by="tomas")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.pictures()) == 2
    assert "for tomas" in thread.answers()[-1]


async def test_an_estimate_that_was_run_leads_to_its_run(thread: Thread) -> None:
    await thread.say(f"/estimate {FOXES}")
    order = line(thread, "/batch run [a-z2-7]{10}")
    await thread.say(order)
    again = await thread.say(order)

    assert thread.reactions(again) == ["confused"]
    assert len(thread.calls()) == 2
    assert thread.answers()[-1] == snapshot("""\
### 🔎 Nothing was changed

The estimate glgrwacrnm has been run already.

*Ask /estimate again, and copy the line from its answer.*

[Go to run mydegjyfio](/issues/1#issuecomment-1000010)

<!-- marker -->\
""")


@with_settings(gptimage_max_cost_per_day=5)
async def test_status_tells_how_the_newest_run_is_and_what_is_left(thread: Thread) -> None:
    await thread.say(f"/batch {FOXES}")
    await thread.say("/batch status")

    assert thread.answers()[-1] == snapshot("""\
### 🏁 Run `rfbghrhhek` is over

2 made

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0119 | $0.00 | $0.0119 |

[Go to run rfbghrhhek](/issues/1#issuecomment-1000005)

| Cap | Left | Limit |
| --- | --- | --- |
| this server in one day | $4.9882 | $5.00 |

<!-- marker -->\
""")


async def test_a_cancelled_run_keeps_what_is_under_way_and_starts_no_more(thread: Thread) -> None:
    thread.room.images.settings = Settings(latency_ms=400)  # a run looks for orders every second
    run = await thread.write(f"/batch {FOXES}" + "- a hare\n" * 6)
    await thread.until(thread.calls)
    cancel = await thread.say("/batch cancel", by="tomas")

    assert thread.reactions(cancel) == ["rocket"]
    assert thread.reactions(run) == ["eyes", "rocket"]
    assert len(thread.pictures()) == len(thread.calls()) < 8
    assert "Somebody cancelled this run. What was under way has been kept." in thread.answer()


async def test_a_retry_makes_what_was_missing_and_the_same_comment_shows_it(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    run = await thread.say(f"/batch {FOXES}")
    (answer,) = thread.by_bot
    assert len(thread.pictures()) == 1

    retry = await thread.say("/batch retry")  # of what was refused nobody is told the line

    assert thread.by_bot == [answer]
    assert len(thread.pictures()) == 2
    assert thread.reactions(run) == ["eyes", "rocket"]
    assert thread.reactions(retry) == ["rocket"]
    assert len(thread.calls()) == 3


async def test_an_image_in_doubt_is_made_when_its_number_is_named(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    await thread.say(f"/batch {FOXES}")
    await thread.say(line(thread, "/batch retry [a-z2-7]{10} doubt 2"))

    assert len(thread.pictures()) == 2
    assert len(thread.calls()) == 3


async def test_a_stranger_asks_for_a_status_and_hears_nothing(thread: Thread) -> None:
    await thread.say(f"/batch {FOXES}")
    for word in ("status", "cancel", "retry"):
        command = await thread.say(f"/batch {word}", by="ada")
        assert thread.reactions(command) == ["confused"]
    assert len(thread.answers()) == 1


async def test_a_server_lets_go_of_what_is_old_by_itself_and_keeps_the_bill(tmp_path: Path) -> None:
    home = tmp_path / "data"

    def kept() -> list[tuple[str, int | None]]:
        query = """
            SELECT json(report), (SELECT count(*) FROM items WHERE run_id = id)
            FROM runs WHERE pruned_at IS NOT NULL"""
        with closing(sqlite3.connect(home / "ledger.db")) as connection:
            return connection.execute(query).fetchall()

    async with sandbox(home, port=0, latency_ms=0) as room:
        await Thread(room).say(f"/batch {FOXES}")
    move_back(home / "ledger.db", timedelta(days=40))
    async with sandbox(home, port=0, latency_ms=0, gptimage_keep_days=30) as room:
        await Thread(room).until(lambda: kept() and not kept()[0][1])

    ((report, _),) = kept()
    assert json.loads(report)["total_cost"] > 0
