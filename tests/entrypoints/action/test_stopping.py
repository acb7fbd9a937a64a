"""A run that is to stop: by a comment in another job, and by the runner that wants this job to end.

Also what a job does before it knows who commented.
"""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.entrypoints.action import inputs
from bot.entrypoints.action.asked import ordered
from bot.entrypoints.action.job import lead
from bot.entrypoints.action.outputs import Outputs
from tests.entrypoints.action.world import World, until, world
from tests.entrypoints.test_imports import HEAVY, imported

SLOW = 1500  # milliseconds of a call
MANY = "/batch --quality low --max-concurrent 1\n\n" + "\n".join(f"- fox {n}" for n in range(40))


async def test_a_job_cancels_the_run_of_another_one(tmp_path: Path) -> None:
    async with world(tmp_path, latency_ms=SLOW) as the:
        running = await the.start(await the.write(MANY))
        await until(lambda: the.calls)
        cancel = await the.write("/batch cancel")

        cancelled = await the.job(cancel)
        ended = await running.end()

        assert cancelled.code == 0, cancelled.log
        assert the.reactions(cancel) == ["eyes", "rocket"]
        assert 0 < len(the.calls) < 40, "it stopped, but not before it had begun"
        assert set(the.calls.values()) == {1}
        assert "| Estimated |" in the.answer, "one comment, in a final state"
        assert "$0.00 |" in the.answer, "nothing is in doubt"
        assert ended.outputs["run-id"] in the.answer


async def test_a_job_that_is_to_end_keeps_what_is_made_and_tells_what_is_in_doubt(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, latency_ms=60_000) as the:
        running = await the.start(await the.write(MANY))
        await until(lambda: the.calls)

        running.process.send_signal(signal.SIGINT)
        ended = await running.end()

        assert len(the.calls) == 1
        assert "| Estimated |" in the.answer, ended.log
        assert "in doubt" in the.answer
        assert ended.outputs["status"] == "cancelled"
        assert ended.code == 1


def pictures(folder: str) -> int:
    return len(list(Path(folder).glob("*.png")))


async def test_images_that_no_time_is_left_to_publish_are_handed_over_by_the_job(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, latency_ms=SLOW) as the:
        running = await the.start(await the.write(MANY), INPUT_DESTINATION="release")
        await until(lambda: len(the.calls) == 3)

        running.process.send_signal(signal.SIGINT)
        ended = await running.end()

        assert ended.outputs["upload"] == "true", ended.log
        assert pictures(ended.outputs["output-dir"]) == len(the.calls) >= 3
        assert "They are in the artifact of this job." in the.answer
        assert "| Estimated |" in the.answer


class Watched(Mapping[str, str]):
    """The variables of a job, which fail the test if the key is read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        assert name != inputs.KEY, "the key was read"
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all variables were read")

    def __len__(self) -> int:
        return len(self._variables)


async def test_the_key_is_not_read_before_the_role_is_known(the: World) -> None:
    for by, reads in (("passer-by", False), ("maya", True)):
        command = await the.write("/batch\n\n- a fox", by=by)
        variables = Watched(the._variables(command, the.folder, {}))
        given = inputs.read(variables)
        order = ordered(given)
        assert order is not None
        try:
            await lead(order, variables, Outputs.of(given))
        except AssertionError:
            assert reads
        else:
            assert not reads


async def test_an_ordinary_comment_imports_no_sdk(
    the: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    comment = await the.write("looks good to me")
    for name, value in the._variables(comment, the.folder, {}).items():
        monkeypatch.setenv(name, value)

    assert not imported("action") & HEAVY
