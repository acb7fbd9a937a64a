"""A run's files as they lie in the spool, and a process that dies while it publishes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.core import killpoints
from bot.core.batch import BatchConfig, Job
from bot.core.killpoints import Point
from bot.core.ports import File
from bot.core.run import Run, RunState, Thread

Files = Callable[..., list[File]]


class Crash(BaseException):
    """The process is gone: nothing after this line ran."""


def files_in(folder: Path) -> Files:
    def make(*names: str, report: bytes = b"a report") -> list[File]:
        made = []
        for number, name in enumerate(names):
            source = folder / f"{number}.answer"
            if name == "report.json":
                source.write_bytes(report)
                made.append(File(None, name, str(source), "application/json"))
            else:
                source.write_bytes(f"picture of {name}".encode())
                made.append(File(number, name, str(source), "image/png"))
        return made

    return make


def die_at(upload: int) -> None:
    left = [upload]

    def die(point: Point) -> None:
        left[0] -= point is Point.ASSET_UPLOADED
        if left[0] == 0:
            raise Crash

    killpoints.install(die)


def run_of(thread: Thread | None) -> Run:
    batch = BatchConfig(jobs=(Job(prompt="a red fox"),))
    return Run("r1", RunState.PUBLISHING, batch, datetime.now(UTC), thread)
