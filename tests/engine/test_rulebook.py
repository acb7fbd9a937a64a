"""The rules of a repository are the operator's, narrowed by the files of its owner and its own."""

import pytest

from bot.core.errors import HostError, RulesError
from bot.core.policy import Limits
from bot.core.ports import NoFile
from bot.core.pricing import Money
from bot.core.repository import PATH
from bot.core.rules import Rules
from bot.engine.rulebook import Rulebook
from tests.engine.desk import THREAD, Clock, Desk

GENERAL = Rules(owners=frozenset({"octo"}), limits=Limits(run=Money(9_000_000)))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(desk: Desk, clock: Clock) -> Rulebook:
    return Rulebook(desk, GENERAL, clock)


async def test_without_files_the_operators_rules_hold(book: Rulebook) -> None:
    assert await book.rules(THREAD) == GENERAL


async def test_both_files_narrow_and_the_repositorys_own_has_the_last_word(
    book: Rulebook, desk: Desk
) -> None:
    desk.shared = {PATH: b"max_cost_per_run: 2\nlanguage: ja\ndefaults: {quality: low, size: auto}"}
    desk.files = {PATH: b"max_cost_per_run: 5\nmax_images: 3\ndefaults: {quality: high}"}
    rules = await book.rules(THREAD)
    assert rules.limits.run == Money(2_000_000)
    assert (rules.language, rules.max_images) == ("ja", 3)
    assert rules.around.environment == {"quality": "high", "size": "auto"}


async def test_a_minute_passes_between_two_looks(book: Rulebook, desk: Desk, clock: Clock) -> None:
    await book.rules(THREAD)
    desk.files = {PATH: b"max_images: 3"}
    clock.pass_(seconds=59)
    assert (await book.rules(THREAD)).max_images is None
    clock.pass_(seconds=1)
    assert (await book.rules(THREAD)).max_images == 3
    assert desk.reads == 2


async def test_a_mended_file_counts_within_a_minute(
    book: Rulebook, desk: Desk, clock: Clock
) -> None:
    desk.files = {PATH: b"max_imags: 3"}
    with pytest.raises(RulesError, match="max_images"):
        await book.rules(THREAD)
    desk.files = {PATH: b"max_images: 3"}
    clock.pass_(seconds=60)
    assert (await book.rules(THREAD)).max_images == 3


@pytest.mark.parametrize("where", ["own", "shared"])
async def test_a_broken_file_says_which_it_is(book: Rulebook, desk: Desk, where: str) -> None:
    broken: dict[str, bytes | NoFile] = {PATH: b"\n\nmax_images: many"}
    if where == "own":
        desk.files = broken
    else:
        desk.shared = broken
    with pytest.raises(RulesError, match=r"line 3, column 1") as error:
        await book.rules(THREAD)
    assert error.value.file == (PATH if where == "own" else f"octo/.github/{PATH}")


@pytest.mark.parametrize("found", [NoFile.FOLDER, NoFile.LINK, NoFile.SUBMODULE, NoFile.TOO_LARGE])
async def test_what_stands_there_and_is_no_file_is_broken_not_missing(
    book: Rulebook, desk: Desk, found: NoFile
) -> None:
    desk.files = {PATH: found}
    with pytest.raises(RulesError):
        await book.rules(THREAD)


@pytest.mark.parametrize("where", ["own", "shared"])
async def test_an_answer_that_does_not_come_is_no_permission_and_is_not_remembered(
    book: Rulebook, desk: Desk, where: str
) -> None:
    away = HostError("GitHub has a fault of its own (502).", status=502, retry_after=7)
    if where == "own":
        desk.files = away
    else:
        desk.shared = away
    with pytest.raises(HostError, match="could not be read") as error:
        await book.rules(THREAD)
    assert (error.value.status, error.value.retry_after) == (502, 7)
    desk.files = desk.shared = {}
    assert await book.rules(THREAD) == GENERAL
