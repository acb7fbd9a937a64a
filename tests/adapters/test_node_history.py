"""The Node tool's database is read, whatever version wrote it, and never touched."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.node_history import read_node_history
from bot.core.errors import SettingsError
from bot.core.pricing import Money, Usage
from bot.core.report import exit_code, report
from bot.core.run import RunState

OLDEST = {
    "uuid": "TEXT PRIMARY KEY",
    "created_at": "TEXT",
    "tool_name": "TEXT",
    "prompt": "TEXT",
    "parameters": "TEXT",
    "output_paths": "TEXT",
    "sample_count": "INTEGER",
    "size": "TEXT",
    "quality": "TEXT",
    "output_format": "TEXT",
}
HASHED = OLDEST | {"params_hash": "TEXT"}
NEWEST = HASHED | {
    "input_tokens": "INTEGER",
    "output_tokens": "INTEGER",
    "total_tokens": "INTEGER",
    "estimated_cost": "REAL",
}
FOX: Mapping[str, Any] = {
    "uuid": "3f2a0c9e-1111-4222-8333-444455556666",
    "created_at": "2026-03-01T09:30:00.123Z",
    "tool_name": "generate_image",
    "prompt": "a red fox 狐",
    "parameters": json.dumps({"model": "gpt-image-1.5", "moderation": "auto"}),
    "output_paths": json.dumps(["/home/ada/fox_1.png", "/home/ada/fox_2.png"]),
    "sample_count": 2,
    "size": "1024x1024",
    "quality": "low",
    "output_format": "png",
    "params_hash": "abc",
    "input_tokens": 12,
    "output_tokens": 544,
    "total_tokens": 556,
    "estimated_cost": 0.0221,
}


def database(
    folder: Path, *records: Mapping[str, Any], columns: Mapping[str, str] = NEWEST
) -> Path:
    """A history as the Node tool writes it, with its other table."""
    path = folder / "history.db"
    with closing(sqlite3.connect(path)) as connection:
        shape = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE history ({shape})")
        connection.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT)")
        for record in records:
            values = [record.get(name) for name in columns]
            places = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO history VALUES ({places})", values)
        connection.commit()
    return path


def test_a_record_is_a_finished_run_with_its_files_and_its_estimated_cost(tmp_path: Path) -> None:
    found = read_node_history(database(tmp_path, FOX))

    (view,) = found.runs
    assert found.unread == []
    assert view.run.id == FOX["uuid"]
    assert view.run.state is RunState.DONE
    assert view.run.created_at == datetime(2026, 3, 1, 9, 30, 0, 123000, tzinfo=UTC)
    assert [item.path for item in view.items] == json.loads(FOX["output_paths"])
    assert {item.item.call.model for item in view.items} == {"gpt-image-1.5"}
    assert view.paid == Money(22_100)
    assert view.in_doubt == Money(0)


def test_its_report_reads_as_that_of_any_other_run(tmp_path: Path) -> None:
    (view,) = read_node_history(database(tmp_path, FOX)).runs

    told = report(view, view.run.created_at)

    assert exit_code(told) == 0
    assert told.results[0].output_paths == tuple(json.loads(FOX["output_paths"]))
    assert told.results[0].usage == Usage(text_tokens=12, image_tokens=0, output_tokens=544)
    assert told.warnings == ("imported from the Node tool: the cost is that tool's own estimate",)


@pytest.mark.parametrize("columns", [OLDEST, HASHED], ids=["oldest", "hashed"])
def test_files_of_older_versions_have_no_cost(tmp_path: Path, columns: Mapping[str, str]) -> None:
    (view,) = read_node_history(database(tmp_path, FOX, columns=columns)).runs

    assert view.paid is None
    assert len(view.items) == 2


def test_a_record_without_a_model_is_of_the_first_one(tmp_path: Path) -> None:
    (view,) = read_node_history(database(tmp_path, {**FOX, "parameters": "{}"})).runs

    assert view.items[0].item.call.model == "gpt-image-1"


@pytest.mark.parametrize(
    ("tool", "operation"), [("edit_image", "edit"), ("transform_image", "transform")]
)
def test_edits_and_transforms_stay_such(tmp_path: Path, tool: str, operation: str) -> None:
    (view,) = read_node_history(database(tmp_path, {**FOX, "tool_name": tool})).runs

    assert view.run.batch.jobs[0].operation == operation


def test_a_record_without_files_still_counts_its_images(tmp_path: Path) -> None:
    (view,) = read_node_history(database(tmp_path, {**FOX, "output_paths": None})).runs

    assert [item.path for item in view.items] == [None, None]


@pytest.mark.parametrize("cost", [None, -1.0, float("inf"), "much"])
def test_a_cost_that_is_none_is_unknown(tmp_path: Path, cost: object) -> None:
    (view,) = read_node_history(database(tmp_path, {**FOX, "estimated_cost": cost})).runs

    assert view.paid is None


def test_no_part_of_a_cost_is_lost_among_the_images(tmp_path: Path) -> None:
    three = {"output_paths": json.dumps(["a", "b", "c"]), "estimated_cost": 0.01}

    (view,) = read_node_history(database(tmp_path, {**FOX, **three})).runs

    assert view.paid == Money(10_000)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"uuid": "../../etc"}, "uuid: not one"),
        ({"uuid": None}, "uuid: not one"),
        ({"created_at": "yesterday"}, "created_at: not a time in ISO 8601"),
        ({"prompt": ""}, "prompt: String should have at least 1 character"),
        ({"tool_name": "list_jobs"}, "tool_name: Input should be"),
        ({"parameters": "{"}, "parameters: not JSON"),
        ({"parameters": "[]"}, "parameters: not an object"),
        ({"output_paths": "{}"}, "output_paths: not a list"),
        ({"output_paths": "[1]"}, "output_paths: not a list of paths"),
        ({"output_format": "gif"}, "output_format: Input should be"),
        ({"output_paths": json.dumps(["x"] * 11)}, "sample_count: Input should be less than"),
    ],
)
def test_a_record_that_is_none_is_named_with_the_reason_and_the_others_come(
    tmp_path: Path, wrong: Mapping[str, Any], reason: str
) -> None:
    other = {**FOX, "uuid": "another-record"}

    found = read_node_history(database(tmp_path, {**FOX, **wrong}, other))

    assert [view.run.id for view in found.runs] == ["another-record"]
    (unread,) = found.unread
    assert unread.reason.startswith(reason)


def snapshot_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_database_and_its_folder_stay_as_they_were(tmp_path: Path) -> None:
    path = database(tmp_path, FOX)
    before = snapshot_of(tmp_path)

    read_node_history(path)

    assert snapshot_of(tmp_path) == before


def test_what_the_running_tool_has_only_in_its_log_comes_too_and_stays_there(
    tmp_path: Path,
) -> None:
    path = database(tmp_path)
    with closing(sqlite3.connect(path)) as tool:
        tool.execute("PRAGMA journal_mode = WAL")
        values = [FOX.get(name) for name in NEWEST]
        tool.execute(f"INSERT INTO history VALUES ({', '.join('?' * len(values))})", values)
        tool.commit()
        before = snapshot_of(tmp_path)
        assert "history.db-wal" in before

        found = read_node_history(path)

        assert len(found.runs) == 1
        assert snapshot_of(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is no history of the Node tool"),
        (b"this is no database" * 100, "is no history of the Node tool"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "history.db"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError) as refused:
        read_node_history(path)

    assert f"{path}: {said}" in str(refused.value)
