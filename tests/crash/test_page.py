"""The page of `make crash` says what is missing: an evening on which nobody died proves nothing."""

from bot.core.killpoints import Point
from tests.crash.page import few, page, slow, unreached
from tests.crash.walk import Result

SENT, SPOOLED = Point.REQUEST_SENT, Point.ANSWER_SPOOLED
BOT = Result("batch", kills=[f"{SENT}:1", f"{SPOOLED}:2"], recoveries=[1.0, 2.0])
COMMAND = Result("run", of_command=True, kills=[f"run, {SENT}:1"], recoveries=[1.0, 40.0])


def test_a_step_at_which_nobody_died_is_named() -> None:
    assert unreached([BOT, COMMAND], [SENT, SPOOLED], [SENT, SPOOLED]) == [
        "nobody died at run, answer-spooled on SQLite",
        "nobody died at request-sent on PostgreSQL",
        "nobody died at answer-spooled on PostgreSQL",
        "nobody died at run, request-sent on PostgreSQL",
        "nobody died at run, answer-spooled on PostgreSQL",
    ]


def test_a_slow_recovery_is_named_by_its_front() -> None:
    assert slow([BOT, COMMAND]) == ["the command takes 38.0 s to recover (p95)"]


def test_too_few_deaths_are_named() -> None:
    assert few([BOT, COMMAND]) == ["3 kills are too few"]
    assert few([Result("batch", kills=["x"] * 1_000, recoveries=[1.0])]) == []
    assert few([Result("batch", kills=["x"] * 1_000)]) == ["nobody was seen to recover"]


def test_the_page_has_every_number() -> None:
    told = page([BOT, COMMAND], ["50", "50"], took=60.0, seed=7)

    assert "kills          3 in 2 worlds, 60 s, seed 7" in told
    assert "under a cap    50, 50 of 100 runs at once" in told
    assert "recovery       median 1.5 s" in told
    assert "--resume       median 20.5 s" in told
