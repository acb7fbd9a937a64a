"""The table that a person watches: what it shows at one moment, in windows of any size."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot
from rich.console import Console

from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.pricing import Money
from bot.core.run import ItemView, Run, RunState, RunView, Stop
from bot.entrypoints.table import State, Tempo, images, picture, time_left

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRICE = Money(5_000)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def made(start: float, end: float) -> Attempt:
    return Attempt(1, 1, AttemptState.SUCCEEDED, at(start), at(end), amount=PRICE, cost=PRICE)


def begun(start: float, number: int = 1) -> Attempt:
    return Attempt(number, 1, AttemptState.STARTED, at(start), amount=PRICE)


def refused(start: float, end: float, failure: Failure = Failure.RATE_LIMIT) -> Attempt:
    return Attempt(1, 1, AttemptState.FAILED, at(start), at(end), amount=PRICE, failure=failure)


def lost(start: float, end: float) -> Attempt:
    state = AttemptState.IN_DOUBT
    return Attempt(1, 1, state, at(start), at(end), amount=PRICE, failure=Failure.SERVER_ERROR)


def view(jobs: Sequence[Job], *tried: Sequence[Attempt], stop: Stop | None = None) -> RunView:
    """A run of these jobs; the attempts are those of the first images."""
    batch = BatchConfig(jobs=tuple(jobs), retry_policy=RetryPolicy(retry_delay_ms=5000))
    upper_bound = Money(99_000)
    run = Run("run", RunState.RUNNING, batch, START, upper_bound=upper_bound, stop=stop)
    items = plan(batch, run.id)
    attempts = [*tried, *([()] * (len(items) - len(tried)))]
    return RunView(run, tuple(map(ItemView, items, map(tuple, attempts))))


def shown(
    seen: RunView, now: float, *, width: int = 72, height: int = 24, tempo: Tempo | None = None
) -> str:
    paper = io.StringIO()
    console = Console(file=paper, width=width, height=height)
    console.print(picture(seen, at(now), tempo or Tempo(), width=width, height=height))
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines())


JOBS = [
    Job(prompt="a fox", output_path="animals/fox.webp", sample_count=2),
    Job(prompt="an owl in a tree"),
    Job(prompt="雪の中の赤い狐、水彩画"),
    Job(prompt="a hare"),
    Job(prompt="a hen"),
    Job(prompt="a dog"),
]
MIDST = view(
    JOBS,
    [made(0, 4)],
    [],
    [begun(0)],
    [refused(1, 3)],
    [made(0, 5)],
    [refused(0, 1, Failure.MODERATION)],
    [lost(3, 5)],
)


def test_every_job_has_a_row_with_its_state_images_money_and_time() -> None:
    assert shown(MIDST, 6, tempo=Tempo(wait=3)) == snapshot("""\
animals/fox.webp                       waiting        1/2  $0.0050   4 s
an owl in a tree                       making         0/1            6 s
雪の中の赤い狐、水彩画                 retry in 2 s   0/1            2 s
a hare                                 done           1/1  $0.0050   5 s
a hen                                  failed         0/1            1 s
a dog                                  in doubt       0/1            2 s
━━━━━━━━━━━━━━━━━━━━━━╸                  4/7 images
$0.01 so far · at most $0.0990 · $0.0050 in doubt · 6 s · about 8 s left
· waiting for the rate limit, 3 s\
""")


@pytest.mark.parametrize("later", [[], [replace(refused(6, 7), number=2, order=2)]])
def test_what_was_cancelled_after_a_call_in_doubt_is_in_doubt_and_waits_for_nothing(
    later: Sequence[Attempt],
) -> None:
    seen = view(JOBS[5:], [lost(3, 5), *later])
    items = tuple(replace(item, order=2, cancelled=True) for item in seen.items)

    (image,) = images(replace(seen, items=items), at(60))

    assert image.state is State.IN_DOUBT


def test_a_narrow_window_shows_less_and_breaks_no_row() -> None:
    seen = shown(MIDST, 6, width=40)

    assert seen == snapshot("""\
animals/fox.webp      waiting        1/2
an owl in a tree      making         0/1
雪の中の赤い狐、水 …  retry in 2 s   0/1
a hare                done           1/1
a hen                 failed         0/1
a dog                 in doubt       0/1
━━━━━━━━━━━━━━━             4/7 images
$0.01 so far · at most $0.0990 · $0.0050
in doubt · 6 s · about 6 s left\
""")
    assert all(len(line) <= 40 for line in seen.splitlines())


MANY = [Job(prompt=f"picture {number}") for number in range(40)]


def test_a_low_window_shows_what_is_at_work_and_the_last_that_ended() -> None:
    tried = [*([made(n, n + 4)] for n in range(10)), [begun(11)], [begun(12)]]

    assert shown(view(MANY, *tried), 14, height=13) == snapshot("""\
picture 7                              done           1/1  $0.0050   4 s
picture 8                              done           1/1  $0.0050   4 s
picture 9                              done           1/1  $0.0050   4 s
picture 10                             making         0/1            3 s
picture 11                             making         0/1            2 s
picture 12                             waiting        0/1
picture 13                             waiting        0/1
picture 14                             waiting        0/1
… 25 waiting, 7 done
━━━━━━━━━━                               10/40 images
$0.05 so far · at most $0.0990 · 14 s · about 58 s left\
""")


@pytest.mark.parametrize("height", [5, 6, 10, 24, 60])
@pytest.mark.parametrize("width", [20, 40, 60, 120])
def test_the_picture_fits_its_window(width: int, height: int) -> None:
    tried = [*([made(n, n + 4)] for n in range(10)), [begun(11)], [begun(12)]]

    lines = shown(view(MANY, *tried), 14, width=width, height=height).splitlines()

    assert len(lines) < height or width < 60
    assert all(len(line) <= width for line in lines)


def test_control_characters_of_a_prompt_do_nothing_to_the_terminal() -> None:
    seen = shown(view([Job(prompt="a \x1b[31mred\x07 [bold]fox[/bold]\n\nhere")]), 1)

    assert seen.startswith("a [31mred [bold]fox[/bold] here")


def test_a_run_that_stops_says_so_instead_of_the_time_left() -> None:
    stopped = view(JOBS, [made(0, 8)], [begun(0)], stop=Stop.TIMEOUT)

    assert "stopping" in shown(stopped, 8)
    assert "stopping" in shown(MIDST, 6, tempo=Tempo(stopping=True))
    assert "left" not in shown(stopped, 8)


# --- time left --------------------------------------------------------------------------------


def left(seen: RunView, now: float, at_once: int = 2, tempo: Tempo | None = None) -> float | None:
    """Seconds, or None."""
    span = time_left(images(seen, at(now)), at(now), at_once, tempo or Tempo())
    return None if span is None else span.total_seconds()


def test_nothing_is_foretold_before_an_image_is_there() -> None:
    assert left(view(MANY, [begun(0)], [refused(0, 1)]), 5) is None


@pytest.mark.parametrize(
    ("at_once", "tempo", "seconds"),
    [
        (2, Tempo(), 80.0),  # 40 images of 4 s, two at a time
        (10, Tempo(), 16.0),
        (10, Tempo(per_minute=10), 240.0),  # the limit is slower than the calls
        (2, Tempo(wait=100), 104.0),
    ],
)
def test_the_rest_takes_as_long_as_what_is_done_and_no_less_than_the_limit_allows(
    at_once: int, tempo: Tempo, seconds: float
) -> None:
    jobs = [*MANY, Job(prompt="one more")]

    assert left(view(jobs, [made(0, 4)]), 4, at_once, tempo) == seconds


def test_a_call_under_way_counts_for_what_is_left_of_it() -> None:
    assert left(view(MANY[:2], [made(0, 4)], [begun(2)]), 5) == 1.0


def test_the_images_of_one_job_are_made_side_by_side() -> None:
    jobs = [Job(prompt="a fox"), Job(prompt="an owl", sample_count=10)]

    assert left(view(jobs, [made(0, 4)]), 4, at_once=1) == 4.0
