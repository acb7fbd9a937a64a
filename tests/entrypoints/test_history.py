"""`gptimage history`: looking back, as a person and as a program, and taking over an older past."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len

from bot.adapters.ledger.history import PastRun, Spent
from bot.core.pricing import Money
from bot.core.run import RunState, Stop
from bot.entrypoints import past
from bot.entrypoints.past import Format
from bot.simulators.images import ImagesSimulator
from tests.aging import move_back
from tests.entrypoints.conftest import Shell

UUID = "3f2a0c9e-1111-4222-8333-444455556666"


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_history_is_for_people_and_programs(shell: Shell, form: str) -> None:
    ran = await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    listed = await shell.run("gptimage", "history", "list")
    found = await shell.run("gptimage", "history", "search", "OWL", "--format", form)
    nothing = await shell.run("gptimage", "history", "search", "walrus")
    shown = await shell.run("gptimage", "history", "show", ran.report["results"][0]["history_uuid"])
    chart = await shell.run("gptimage", "history", "cost")

    rows = json.loads(found.out) if form == "json" else [*csv.DictReader(found.out.splitlines())]
    assert [(row["run_id"], str(row["received"])) for row in rows] == [(ran.report["run_id"], "2")]
    assert "2/2" in listed.out
    assert nothing.out == "No run holds 'walrus'.\n"
    assert "- out/fox.png  fox" in shown.out
    assert "gpt-image-2.5-flare       2" in chart.out
    assert "█" * 30 in chart.out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("list", "No runs yet: gptimage run BATCH.json makes one.\n"),
        ("cost", "Nothing was paid in 30 days.\n"),
        ("export", ",".join(past._RUN) + "\n"),
    ],
)
async def test_an_empty_history_says_so(shell: Shell, command: str, said: str) -> None:
    ended = await shell.run("gptimage", "history", command)

    assert (ended.code, ended.out) == (0, said)


async def test_a_simulation_is_marked_and_has_no_bill(shell: Shell) -> None:
    await shell.run("gptimage", "run", shell.batch("fox"), "--simulate")

    listed = await shell.run("gptimage", "history")
    chart = await shell.run("gptimage", "history", "cost")

    assert "simulated" in listed.out
    assert chart.out == "Nothing was paid in 30 days.\n"


@pytest.mark.parametrize("command", [["show", "zzz"], ["show", "r", "--format", "csv"]])
async def test_what_is_not_there_is_told_in_one_line(shell: Shell, command: list[str]) -> None:
    ended = await shell.run("gptimage", "history", *command)

    assert (ended.code, len(ended.complaint)) == (2, 1)


async def test_pruning_wants_an_age_and_can_only_count(shell: Shell) -> None:
    ran = await shell.run("gptimage", "run", shell.batch("fox"))
    for age in ((), ("--older-than", "6d"), ("--older-than", "soon")):
        refused = await shell.run("gptimage", "prune", *age)
        assert (refused.code, len(refused.complaint)) == (2, 1)

    counted = await shell.run("gptimage", "prune", "--older-than", "90d", "--dry-run")
    shell.env["GPTIMAGE_KEEP_DAYS"] = "30"
    done = await shell.run("gptimage", "prune")

    assert counted.out.startswith("This would remove what the ledger keeps of\n  runs: 0 ")
    assert done.out.startswith("Removed what the ledger kept of\n  runs: 0 ")
    listed = await shell.run("gptimage", "history", "--format", "json")
    assert json.loads(listed.out)[0]["run_id"] == ran.report["run_id"]


async def test_pruning_takes_what_is_old_and_keeps_the_reports(shell: Shell) -> None:
    old = await shell.run("gptimage", "run", shell.batch("fox"))
    move_back(shell.home / "data" / "ledger.db", timedelta(days=40))
    new = await shell.run("gptimage", "run", shell.batch("owl"))

    counted = await shell.run("gptimage", "prune", "--older-than", "30d", "--dry-run")
    done = await shell.run("gptimage", "prune", "--older-than", "30d")
    again = await shell.run("gptimage", "prune", "--older-than", "30d")

    assert [each.out.splitlines()[1] for each in (counted, done, again)] == [
        *("  runs: 1 (their reports stay)", "  runs: 1 (their reports stay)"),
        "  runs: 0 (their reports stay)",
    ]
    for run in (old, new):
        name = run.report["run_id"]
        shown = await shell.run("gptimage", "history", "show", name, "--format", "json")
        assert shown.code == 0
        assert json.loads(shown.out)["total_cost"] == run.report["total_cost"]


# --- the Node tool's history ------------------------------------------------------------------


def node_history(folder: Path) -> Path:
    """A small history of the Node tool: one record, and one that is none."""
    path = folder / "node.db"
    columns = ("uuid", "created_at", "tool_name", "prompt", "output_paths", "estimated_cost")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE history ({', '.join(columns)})")
        connection.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)",
            [
                (UUID, "2026-03-01T09:30:00Z", "generate_image", "an elk", '["/elk.png"]', 0.042),
                ("short", "2026-03-01T09:30:00Z", "generate_image", "a gnu", "[]", 0.042),
            ],
        )
        connection.commit()
    return path


async def test_the_node_tools_history_comes_in_once(shell: Shell, images: ImagesSimulator) -> None:
    path = node_history(shell.home)

    first = await shell.run("gptimage", "history", "import", str(path))
    again = await shell.run("gptimage", "history", "import", str(path), "--format", "json")
    listed = await shell.run("gptimage", "history", "--format", "json")
    found = await shell.run("gptimage", "history", "search", UUID, "--format", "json")
    shown = await shell.run("gptimage", "history", "show", UUID)
    retried = await shell.run("gptimage", "retry", UUID)

    assert first.out.splitlines() == [
        f"{path}: imported 1, already there 0, not readable 1",
        "  - short: uuid: not one",
    ]
    assert first.code == 1, "something did not come"
    assert again.report == {
        "imported": 0,
        "already_there": 1,
        "unread": [{"uuid": "short", "reason": "uuid: not one"}],
    }
    assert [row["run_id"] for row in json.loads(listed.out)] == [UUID]
    assert [row["run_id"] for row in json.loads(found.out)] == [UUID]
    assert "- /elk.png  an elk" in shown.out
    assert "the cost is that tool's own estimate" in shown.out
    assert (retried.code, images.calls) == (0, [])


async def test_a_setting_that_points_to_it_is_refused_with_the_way_out(shell: Shell) -> None:
    path = node_history(shell.home)
    before = path.read_bytes()

    ended = await shell.run("gptimage", "history", env={"HISTORY_DB_PATH": str(path)})

    assert ended.code == 2
    (line,) = ended.complaint
    assert line.endswith(f"gptimage history import {path}")
    assert path.read_bytes() == before


# --- columns ----------------------------------------------------------------------------------


def run(prompt: str, made: int = 1, **other: object) -> PastRun:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    values = {
        "id": "0123456789abcdef",
        "created_at": at,
        "state": RunState.DONE,
        "stop": None,
        "prompt": prompt,
        "model": "gpt-image-2.5-flare",
        "repository": None,
        "wanted": 2,
        "made": made,
        "paid": Money(5_000),
        "in_doubt": Money(0),
    }
    return PastRun(**(values | other))  # type: ignore[arg-type]


def test_columns_stand_below_each_other_and_japanese_takes_two_places() -> None:
    seen = past.runs(
        [
            run("a fox\n\x1b[31m in snow", made=2),
            run("狐", made=0, stop=Stop.TIMEOUT, in_doubt=Money(1_000_000)),
            run("雪" * 100, state=RunState.RUNNING, paid=None),
            run("an owl", simulated=True),
            run("a hen", made=0, in_doubt=None),
        ],
        Format.TEXT,
        "",
    )

    words = [line.split()[3:] for line in seen.splitlines()[1:]]
    assert [line[0] for line in words] == ["complete", "timeout", "unfinished", "partial", "failed"]
    assert "a fox [31m in snow" in seen
    starts = {
        cell_len(line[: line.index(word)])
        for line, word in zip(
            seen.splitlines(), ["prompt", "a fox", "狐", "雪", "an owl", "a hen"], strict=True
        )
    }
    assert len(starts) == 1
    assert all(cell_len(line) <= 120 for line in seen.splitlines())


def test_the_bill_is_a_chart_with_totals() -> None:
    first, second = date(2026, 11, 20), date(2026, 11, 21)

    assert past.spent(
        [
            Spent(first, "gpt-image-2.5-flare", 3, Money(20_000)),
            Spent(second, "gpt-image-2.5-flare", 1_200, Money(8_000_000)),
            Spent(second, "somebody's", 2, None),
        ],
        Format.TEXT,
        "",
    ) == snapshot("""\
day         model                images             cost
2026-11-20  gpt-image-2.5-flare       3            $0.02  █
2026-11-21  gpt-image-2.5-flare   1,200            $8.00  ██████████████████████████████
2026-11-21  somebody's                2          unknown
total       gpt-image-2.5-flare   1,203            $8.02
total       somebody's                2          unknown
total                             1,205  $8.02 + unknown\
""")
