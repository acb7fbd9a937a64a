"""A process that dies while it publishes: the next one goes on, and nothing is there twice."""

from pathlib import Path

import pytest

from bot.core.killpoints import Point
from tests.crash.driver import KILLED, World, serving, until, world
from tests.crash.nursery import the_nursery

COMMAND = "/batch --quality low --size 1024x1024\n\n- a red fox\n- a blue owl"


def branch(outside: World) -> list[str]:
    """The files of the only branch that the run made."""
    git = outside.github.git
    (ref,) = set(git.refs) - {"refs/heads/main"}
    return sorted(git.trees[git.commits[git.refs[ref]].tree])


def folder(outside: World) -> list[str]:
    """The files of the only folder that the run made."""
    (run,) = (outside.data_dir / "data" / "images").iterdir()
    return sorted(path.name for path in run.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("destination", "point"),
    [
        ("branch", f"{Point.ASSET_UPLOADED}:2"),
        ("branch", f"{Point.FILES_PUBLISHED}:1"),
        ("directory", f"{Point.FILES_PUBLISHED}:1"),
    ],
)
async def test_a_death_while_publishing_leaves_each_picture_once(
    destination: str, point: str, tmp_path: Path
) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        outside.environment["GPTIMAGE_DESTINATION"] = destination
        async with serving(outside, point) as first:
            command = await outside.say(COMMAND)
            await until(lambda: first.returncode is not None)
            assert first.returncode == KILLED
        async with serving(outside):
            await until(lambda: outside.ended(command))

        names = branch(outside) if destination == "branch" else folder(outside)
        pictures = [
            name for name in names if not name.startswith("thumb-") and "_thumb." not in name
        ]
        assert len(names) == len(set(names))
        assert len(pictures) == 3
        assert names.count("report.json") == 1
        assert set(outside.calls.values()) == {1}
        assert len(outside.answers) == 1
