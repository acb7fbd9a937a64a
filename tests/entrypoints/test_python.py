"""The engine for programs: `from bot import run_batch`."""

import sys

from bot.simulators.images import ImagesSimulator
from tests.entrypoints.conftest import Shell

PROGRAM = """\
from bot import run_batch_sync
from bot.core.errors import BatchError

report = run_batch_sync({"jobs": [{"prompt": "fox", "quality": "low"}]}, output_dir="out")
print(report.succeeded, report.results[0].status)
try:
    run_batch_sync({"jobs": [{"promt": "fox"}]})
except BatchError as error:
    print(*error.problems, sep="; ")
again = run_batch_sync({"jobs": [{"prompt": "fox", "quality": "low"}]}, resume=True)
print(again.run_id == report.run_id)
"""

CONCURRENT = """\
import asyncio
from bot import run_batch

async def main():
    batches = [{"jobs": [{"prompt": p, "quality": "low"}], "output_dir": "out"} for p in "abc"]
    reports = await asyncio.gather(*map(run_batch, batches))
    print([report.succeeded for report in reports])

asyncio.run(main())
"""


async def test_a_program_makes_images_and_reads_the_report(
    shell: Shell, images: ImagesSimulator
) -> None:
    ended = await shell.run(sys.executable, shell.file("program.py", PROGRAM))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "1 completed",
        'jobs[0].prompt: is required; jobs[0].promt: is no field of a job (did you mean "prompt"?)',
        "True",
    ]
    assert shell.images() == ["fox.png"]
    assert len(images.billed) == 1


async def test_several_batches_run_side_by_side_in_one_program(
    shell: Shell, images: ImagesSimulator
) -> None:
    ended = await shell.run(sys.executable, shell.file("program.py", CONCURRENT))

    assert (ended.code, ended.out, ended.err) == (0, "[1, 1, 1]\n", "")
    assert shell.images() == ["a.png", "b.png", "c.png"]
    assert len(images.billed) == 3
